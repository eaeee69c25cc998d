import { expect, it } from "vitest";

import { reasonsOf } from "./waiting";

const now = new Date("2026-01-01T12:00:00Z");
const run = { work_pool_name: "gpu", expected_start_time: "2026-01-01T11:00:00Z" };
const pool = { name: "gpu", type: "docker", is_paused: false };

it("says that it is not due before anything else", () => {
  const later = { ...run, expected_start_time: "2026-01-01T13:00:00Z" };
  expect(reasonsOf(later, { ...pool, is_paused: true }, [], now)).toEqual([
    { text: "It is not due yet." },
  ]);
});

it("names everything that hinders it, with what to do", () => {
  const [paused, alone] = reasonsOf(run, { ...pool, is_paused: true }, [{ status: "OFFLINE" }], now);
  expect(paused?.command).toBe("runwright work-pool resume gpu");
  expect(alone?.command).toBe("runwright worker start --pool gpu --type docker");
});

it("knows full workers and a full pool", () => {
  const busy = [{ status: "ONLINE" as const, limit: 2, executions: 2 }];
  const texts = reasonsOf(run, { ...pool, concurrency_limit: 2, active_slots: 2 }, busy, now);
  expect(texts.map((reason) => reason.text)).toEqual([
    "Every worker online is at its limit.",
    "Work pool gpu is at its limit of 2.",
  ]);
});

it("says so where nothing hinders it", () => {
  const free = [{ status: "ONLINE" as const, limit: 2, executions: 0 }];
  expect(reasonsOf(run, pool, free, now)[0]?.text).toContain("queue or its deployment");
  expect(reasonsOf({}, undefined, [], now)[0]?.text).toContain("no work pool");
});
