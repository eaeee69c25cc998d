/** What waits in a pool, as filters of runs. */
import type { Query } from "../api/client";

/** Runs of a pool that are to start, whenever that is. */
export function scheduledIn(pool: string): Query {
  return {
    flow_runs: { state: { type: { any_: ["SCHEDULED"] } } },
    work_pools: { name: { any_: [pool] } },
  };
}

/** Runs of a pool, or of one of its workers, that have a slot. */
export function activeIn(pool: string, worker?: string): Query {
  return {
    flow_runs: {
      state: { type: { any_: ["PENDING", "RUNNING", "CANCELLING"] } },
      ...(worker && { worker_id: { any_: [worker] } }),
    },
    work_pools: { name: { any_: [pool] } },
  };
}

/** The end of the present minute: a part of filters that must not change with each rendering. */
export function thisMinute(now = Date.now()): Date {
  return new Date(Math.ceil(now / 60_000) * 60_000);
}

/** Runs that were due and wait no more. By the names of states: types would lead to another index. */
export function begun(): NonNullable<Query["flow_runs"]> {
  return {
    expected_start_time: { before_: thisMinute().toISOString() },
    state: { name: { not_any_: ["Scheduled", "Late"] } },
  };
}
