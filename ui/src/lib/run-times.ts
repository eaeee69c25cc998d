/** How long a run waited, ran, and took in all. Seconds. */

export interface RunTimes {
  /** From when it was due until it began. */
  waited?: number;
  /** From when it began, without what it paused. */
  ran?: number;
  /** From when it was due to its end. */
  total?: number;
}

export interface Timed {
  state_type?: string | null;
  expected_start_time?: string | null;
  start_time?: string | null;
  end_time?: string | null;
  total_run_time?: number;
  state?: { timestamp?: string | null } | null;
}

export function timesOf(run: Timed, now: Date): RunTimes {
  const due = instant(run.expected_start_time);
  const began = instant(run.start_time);
  const ended = instant(run.end_time);
  const times: RunTimes = {};
  const until = began ?? ended ?? now.getTime();
  if (due !== undefined && until >= due) times.waited = (until - due) / 1000;
  if (began !== undefined) times.ran = ranOf(run, began, now);
  if (ended !== undefined) times.total = (ended - Math.min(due ?? ended, began ?? ended)) / 1000;
  return times;
}

/** The time that the control plane has added up is of the states before the present one. */
function ranOf(run: Timed, began: number, now: Date): number {
  if (run.state_type !== "RUNNING") return run.total_run_time ?? 0;
  const since = instant(run.state?.timestamp) ?? began;
  return (run.total_run_time ?? 0) + Math.max(0, now.getTime() - since) / 1000;
}

function instant(text: string | null | undefined): number | undefined {
  return text ? Date.parse(text) : undefined;
}
