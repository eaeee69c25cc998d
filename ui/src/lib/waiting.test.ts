import { expect, test } from "vitest";

import { activeIn, dueIn, thisMinute } from "./waiting";

test("what is due in a pool is asked for by state, pool and instant", () => {
  const by = thisMinute(Date.parse("2026-01-01T10:00:30Z"));
  expect(by.toISOString()).toBe("2026-01-01T10:01:00.000Z");
  expect(dueIn("p", by)).toEqual({
    flow_runs: {
      state: { type: { any_: ["SCHEDULED"] } },
      next_scheduled_start_time: { before_: "2026-01-01T10:01:00.000Z" },
    },
    work_pools: { name: { any_: ["p"] } },
  });
});

test("what runs is that of one worker, or of all", () => {
  expect(activeIn("p").flow_runs).not.toHaveProperty("worker_id");
  expect(activeIn("p", "w").flow_runs?.worker_id).toEqual({ any_: ["w"] });
});
