/** What waits in a pool, as filters of runs. */
import type { Query } from "../api/client";

/** Runs of a pool that are to start, whenever that is. */
export function scheduledIn(pool: string): Query {
  return {
    flow_runs: { state: { type: { any_: ["SCHEDULED"] } } },
    work_pools: { name: { any_: [pool] } },
  };
}

/** Those that are due by then. */
export function dueIn(pool: string, by: Date): Query {
  const { flow_runs, ...rest } = scheduledIn(pool);
  return { flow_runs: { ...flow_runs, next_scheduled_start_time: { before_: by.toISOString() } }, ...rest };
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
