import { describe, expect, it } from "vitest";

import { crashOf, size } from "./crash";

const of = (exit_report: Record<string, unknown> | null, message = "") =>
  crashOf({ exit_report, state: { message, timestamp: "2026-01-01T12:00:30Z" }, end_time: "2026-01-01T12:00:30Z" });

describe("crashOf", () => {
  it.each([
    [{ signal: 9 }, "It was killed", /memory/],
    [{ signal: 11 }, "SIGSEGV", /fault handler/],
    [{ signal: 64 }, "signal 64", /retries/],
    [{ exit_code: 0 }, "exit code 0", /os\._exit/],
    [{ exit_code: 3 }, "exit code 3", /os\._exit/],
    [{ exit_code: 137 }, "exit code 137: SIGKILL", /memory/],
    [{ exit_code: 255 }, "exit code 255", /os\._exit/],
    [{ reason: "could not be launched: the image a/b:1 could not be pulled: denied" }, "image could not be had", /docker pull|same on/],
    [{ reason: "could not be launched: the image x is not on the worker's machine, and so on" }, "image", /worker's machine/],
    [{ reason: "could not be launched: no such folder" }, "could not be started", /Mend/],
    [{ reason: "its container could not start: exec: not found" }, "could not be started", /Mend/],
    [{ reason: "its container was removed" }, "container was removed", /prunes/],
    [{ reason: "its container could not reach the control plane" }, "could not reach", /127\.0\.0\.1/],
    [{ reason: "its container ended", exit_code: 1 }, "exit code 1", /last lines/],
    [{ reason: "the worker was stopped", signal: 9 }, "worker was stopped", /more time/],
    [{ reason: "its supervisor was killed", signal: 9 }, "beside it was killed", /memory/],
    [{ reason: "the control plane was away for longer than the execution is to wait for it", signal: 15 }, "away for too long", /outages/],
  ])("%o: %s", (report, headline, advice) => {
    const crash = of(report);
    expect(crash.headline).toContain(headline);
    expect(crash.explanation).not.toBe("");
    expect(crash.advice[0]?.text).toMatch(advice);
  });

  it("says by how much memory ran out", () => {
    const crash = of({ oom_killed: true, signal: 9, memory_limit_bytes: 2 ** 29, peak_memory_bytes: 2 ** 29 - 4096 });
    expect(crash.headline).toBe("Its memory ran out");
    expect(crash.memory).toEqual({ limit: 2 ** 29, peak: 2 ** 29 - 4096 });
    expect(crash.facts).toContainEqual(["Memory limit", "512 MiB"]);
    expect(crash.facts).toContainEqual(["Signal", "9, SIGKILL"]);
  });

  it("gives a container more memory by its job variables, and a process by the pool", () => {
    const run = { exit_report: { oom_killed: true, signal: 9 }, state: null };
    expect(crashOf({ ...run, image: "flows:1" }).advice[0]?.command).toContain("mem_limit");
    expect(crashOf(run).advice[0]?.link).toBe("pool");
  });

  it("says what the engine or the launcher said", () => {
    expect(of({ reason: "could not be launched: no such folder" }).explanation).toBe("no such folder");
    expect(of({ reason: "its container could not start: exec: not found" }).explanation).toBe("exec: not found");
  });

  it("says since when nothing was heard", () => {
    const crash = of(null, "Nothing was heard of its process for 30 s.");
    expect(crash.headline).toContain("Nothing was heard");
    expect(crash.heardAt?.toISOString()).toBe("2026-01-01T12:00:00.000Z");
    expect(of(null, "Nothing was heard of it, nor of its worker, for too long.").heardAt).toBeNull();
    expect(of({ signal: 9 }).heardAt).toBeUndefined();
  });

  it("leads from a subflow to its parent", () => {
    expect(of(null, "Its parent's process ended.").advice[0]?.link).toBe("parent");
  });

  it("says what the state says where nobody knows more", () => {
    expect(of(null, "odd").explanation).toBe("odd");
    expect(of(null).explanation).toBe("Nobody said why.");
  });
});

it("sizes are said shortly", () => {
  expect([size(2 ** 29), size(3 * 2 ** 29)]).toEqual(["512 MiB", "1.5 GiB"]);
});
