import { expect, it } from "vitest";

import { barsOf, totals } from "./history";

const interval = (hour: number, ...states: [string, string, number][]) => ({
  interval_start: `2026-01-01T0${hour}:00:00Z`,
  interval_end: `2026-01-01T0${hour + 1}:00:00Z`,
  states: states.map(([state_type, state_name, count_runs]) => ({
    state_type: state_type as "COMPLETED",
    state_name,
    count_runs,
  })),
});

it("puts failures on top, and counts states of one type together", () => {
  const bars = barsOf([
    interval(1, ["FAILED", "Failed", 1], ["SCHEDULED", "Late", 2], ["SCHEDULED", "Scheduled", 3]),
    interval(2, ["COMPLETED", "Completed", 4], ["FAILED", "TimedOut", 1]),
    interval(3),
  ]);
  expect(bars.map((bar) => bar.total)).toEqual([6, 5, 0]);
  expect(bars[0]?.parts).toEqual([
    { type: "SCHEDULED", count: 5 },
    { type: "FAILED", count: 1 },
  ]);
  expect(totals(bars)).toEqual([
    { type: "COMPLETED", count: 4 },
    { type: "SCHEDULED", count: 5 },
    { type: "FAILED", count: 2 },
  ]);
});
