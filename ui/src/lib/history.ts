/** Runs by state over time, as stacked bars. */
import type { components } from "../api/schema";

type Interval = components["schemas"]["HistoryInterval"];
type StateType = components["schemas"]["StateType"];

export interface Part {
  type: StateType;
  count: number;
}

export interface Bar {
  at: string;
  parts: Part[];
  total: number;
}

/** From the ground up: what is well carries what is not, so that failures stand out on top. */
const ORDER: StateType[] = [
  "COMPLETED", "RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING", "CANCELLED", "FAILED", "CRASHED",
];

export function barsOf(intervals: readonly Interval[]): Bar[] {
  return intervals.map((interval) => {
    const counts = new Map<StateType, number>();
    for (const state of interval.states)
      counts.set(state.state_type, (counts.get(state.state_type) ?? 0) + state.count_runs);
    const parts = ORDER.filter((type) => counts.has(type)).map((type) => ({
      type,
      count: counts.get(type) ?? 0,
    }));
    return {
      at: interval.interval_start,
      parts,
      total: parts.reduce((sum, part) => sum + part.count, 0),
    };
  });
}

/** How many runs of each state there were in all. */
export function totals(bars: readonly Bar[]): Part[] {
  return ORDER.map((type) => ({
    type,
    count: bars.flatMap((bar) => bar.parts).reduce((sum, part) => sum + (part.type === type ? part.count : 0), 0),
  })).filter((part) => part.count > 0);
}
