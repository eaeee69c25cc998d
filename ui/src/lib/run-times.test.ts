import { describe, expect, it } from "vitest";

import { timesOf } from "./run-times";

const now = new Date("2026-01-01T12:01:00Z");
const due = "2026-01-01T12:00:00Z";
const began = "2026-01-01T12:00:10Z";

describe("timesOf", () => {
  it("of one that waits", () => {
    expect(timesOf({ state_type: "SCHEDULED", expected_start_time: due }, now)).toEqual({ waited: 60 });
    expect(timesOf({ state_type: "SCHEDULED", expected_start_time: "2026-01-01T13:00:00Z" }, now)).toEqual({});
  });

  it("of one that runs, paused for a while", () => {
    const run = { state_type: "RUNNING", expected_start_time: due, start_time: began };
    expect(timesOf({ ...run, state: { timestamp: began } }, now)).toEqual({ waited: 10, ran: 50 });
    expect(timesOf({ ...run, total_run_time: 5, state: { timestamp: "2026-01-01T12:00:40Z" } }, now).ran).toBe(25);
  });

  it("of one that has ended", () => {
    const run = { state_type: "FAILED", expected_start_time: due, start_time: began, end_time: "2026-01-01T12:00:30Z", total_run_time: 20 };
    expect(timesOf(run, now)).toEqual({ waited: 10, ran: 20, total: 30 });
  });

  it("of one that never began", () => {
    const run = { state_type: "CRASHED", expected_start_time: due, end_time: "2026-01-01T12:00:30Z" };
    expect(timesOf(run, now)).toEqual({ waited: 30, total: 30 });
  });

  it("of one that began before it was due", () => {
    const run = { state_type: "COMPLETED", expected_start_time: began, start_time: due, end_time: began, total_run_time: 10 };
    expect(timesOf(run, now)).toEqual({ ran: 10, total: 10 });
  });
});
