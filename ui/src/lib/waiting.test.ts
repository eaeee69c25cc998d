import { expect, test } from "vitest";

import { activeIn, begun, thisMinute } from "./waiting";

test("what has begun is asked for by the minute, not by the moment", () => {
  expect(thisMinute(Date.parse("2026-01-01T10:00:30Z")).toISOString()).toBe("2026-01-01T10:01:00.000Z");
  expect(begun().state).toEqual({ name: { not_any_: ["Scheduled", "Late"] } });
});

test("what runs is that of one worker, or of all", () => {
  expect(activeIn("p").flow_runs).not.toHaveProperty("worker_id");
  expect(activeIn("p", "w").flow_runs?.worker_id).toEqual({ any_: ["w"] });
});
