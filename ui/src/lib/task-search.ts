/** Which of a run's tasks are listed, and in which order. */
import type { Query, StateType } from "../api/client";

export const SORTS = {
  EXPECTED_START_TIME_ASC: "first due first",
  EXPECTED_START_TIME_DESC: "last due first",
  END_TIME_DESC: "last ended first",
  NAME_ASC: "by name",
} as const;

export type Sort = keyof typeof SORTS;

export interface TaskSearch {
  name?: string;
  state?: StateType | null;
  sort: Sort;
}

export interface Count {
  state_type: StateType;
  count: number;
}

/** Troubles first, then what is under way, then what is done. */
const ORDER: StateType[] = [
  "FAILED", "CRASHED", "RUNNING", "PENDING", "SCHEDULED", "PAUSED", "CANCELLING", "CANCELLED", "COMPLETED",
];

export function inOrder(counts: readonly Count[]): Count[] {
  return [...counts].sort((a, b) => ORDER.indexOf(a.state_type) - ORDER.indexOf(b.state_type));
}

/** How many rows the list has: all, or those of one state. */
export function totalOf(counts: readonly Count[], state: StateType | null | undefined): number {
  return counts.reduce((sum, each) => sum + (!state || each.state_type === state ? each.count : 0), 0);
}

/** The filter of a request. */
export function bodyOf(run: string, { name, state }: Omit<TaskSearch, "sort">): Query {
  return {
    task_runs: {
      flow_run_id: { any_: [run] },
      ...(name && { name: { like_: name } }),
      ...(state && { state: { type: { any_: [state] } } }),
    },
  };
}

/** The pages that the rows from `first` to `last`, both included, are on. */
export function pagesOf(first: number, last: number, size: number): number[] {
  if (last < first) return [];
  const begin = Math.floor(first / size);
  return Array.from({ length: Math.floor(last / size) - begin + 1 }, (_, at) => begin + at);
}
