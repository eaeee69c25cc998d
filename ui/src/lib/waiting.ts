/** What keeps a scheduled run from running. Everything that does, the most telling first. */
import type { components } from "../api/schema";

type FlowRun = components["schemas"]["FlowRun"];
type WorkPool = components["schemas"]["WorkPool"];
type Worker = components["schemas"]["Worker"];

export interface Reason {
  text: string;
  command?: string;
}

export function reasonsOf(
  run: Pick<FlowRun, "work_pool_name" | "next_scheduled_start_time" | "expected_start_time">,
  pool: Pick<WorkPool, "name" | "type" | "is_paused" | "concurrency_limit" | "active_slots"> | undefined,
  workers: Pick<Worker, "status" | "limit" | "executions">[],
  now: Date,
): Reason[] {
  const due = run.next_scheduled_start_time ?? run.expected_start_time;
  if (due && new Date(due) > now) return [{ text: "It is not due yet." }];
  if (!run.work_pool_name || !pool)
    return [{ text: "It belongs to no work pool: only the process that serves its deployment starts it." }];
  const reasons: Reason[] = [];
  if (pool.is_paused)
    reasons.push({
      text: `Work pool ${pool.name} is paused.`,
      command: `runwright work-pool resume ${pool.name}`,
    });
  const online = workers.filter((worker) => worker.status === "ONLINE");
  if (online.length === 0)
    reasons.push({
      text: `No worker of ${pool.name} is online.`,
      command: `runwright worker start --pool ${pool.name}${pool.type === "process" ? "" : ` --type ${pool.type}`}`,
    });
  else if (online.every((worker) => worker.limit != null && (worker.executions ?? 0) >= worker.limit))
    reasons.push({ text: "Every worker online is at its limit." });
  const limit = pool.concurrency_limit;
  if (limit != null && (pool.active_slots ?? 0) >= limit)
    reasons.push({ text: `Work pool ${pool.name} is at its limit of ${limit}.` });
  return reasons.length > 0
    ? reasons
    : [{ text: "Nothing in the pool hinders it: its queue or its deployment may be paused or at a limit." }];
}
