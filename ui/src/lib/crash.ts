/** Why a process is gone, in words, and what to do about it: from its report and the state's message. */
import { type Cause, containerCause, exitCause, LAUNCHES, signalCause, WORDS } from "./crash-causes";

/** What the worker reported, of which any part may be missing. */
export interface ExitReport {
  exit_code?: number;
  signal?: number;
  oom_killed?: boolean;
  peak_memory_bytes?: number;
  memory_limit_bytes?: number;
  last_lines?: string[];
  reason?: string;
}

export interface Crash extends Cause {
  /** What is known for certain, in the order of its weight. */
  facts: [string, string][];
  memory?: { limit: number; peak?: number };
  /** When something was heard last; null where nobody knows. */
  heardAt?: Date | null;
  lastLines: string[];
}

export function crashOf(run: {
  exit_report?: Record<string, unknown> | null;
  state?: { message?: string | null; timestamp?: string | null } | null;
  end_time?: string | null;
  image?: string | null;
}): Crash {
  const report = (run.exit_report ?? {}) as ExitReport;
  const message = run.state?.message ?? "";
  const ended = run.end_time ?? run.state?.timestamp;
  const silence = /Nothing was heard of (?:its process for ([\d.]+) s|it)/.exec(message);
  return {
    ...causeOf(report, message, silence !== null, run.image != null),
    facts: factsOf(report),
    ...(report.oom_killed && report.memory_limit_bytes && { memory: memoryOf(report, report.memory_limit_bytes) }),
    ...(silence && { heardAt: silence[1] && ended ? new Date(Date.parse(ended) - Number(silence[1]) * 1000) : null }),
    lastLines: report.last_lines ?? [],
  };
}

/** Reports first: what the kernel says is certain, what is in a message is not. */
function causeOf(report: ExitReport, message: string, isSilent: boolean, isContainer: boolean): Cause {
  const reason = report.reason ?? "";
  const launch = LAUNCHES.find(([words]) => words.test(reason));
  const container = containerCause(reason);
  const told = WORDS.find(([words]) => words.test(`${reason} ${message}`));
  if (report.oom_killed) return outOfMemory(isContainer);
  if (launch) return { ...launch[1], explanation: reason.replace(/^.*?(?:launched|start): /, "") };
  if (container) return container;
  if (told) return told[1];
  if (report.signal) return signalCause(report.signal);
  if (report.exit_code !== undefined) return exitCause(report.exit_code);
  if (isSilent) return SILENT;
  return { headline: "It crashed", explanation: message || "Nobody said why.", advice: [{ text: "Look at its log: what came last may say it." }] };
}

function memoryOf(report: ExitReport, limit: number): NonNullable<Crash["memory"]> {
  return report.peak_memory_bytes ? { limit, peak: report.peak_memory_bytes } : { limit };
}

function factsOf(report: ExitReport): Crash["facts"] {
  const facts: Crash["facts"] = [];
  if (report.signal) facts.push(["Signal", `${report.signal}, ${signalCause(report.signal).name}`]);
  if (report.exit_code !== undefined) facts.push(["Exit code", String(report.exit_code)]);
  if (report.peak_memory_bytes) facts.push(["Peak memory", size(report.peak_memory_bytes)]);
  if (report.memory_limit_bytes) facts.push(["Memory limit", size(report.memory_limit_bytes)]);
  return facts;
}

/** `512 MiB`, `1.5 GiB`. */
export function size(bytes: number): string {
  const mebibytes = bytes / 2 ** 20;
  return mebibytes < 1024 ? `${Math.round(mebibytes)} MiB` : `${(mebibytes / 1024).toFixed(1)} GiB`;
}

function outOfMemory(isContainer: boolean): Cause {
  const more = isContainer
    ? { text: "Give its container more; this once, or for good in the deployment's job variables:", command: "runwright deployment run FLOW/NAME --job-variable mem_limit=2g" }
    : { text: "Raise the limit of the service or container that its worker lives in, or send it to another pool.", link: "pool" as const };
  return {
    headline: "Its memory ran out",
    explanation: "The kernel killed the process when it had reached its limit of memory.",
    advice: [more, { text: "Or hold less at once: read in chunks, pass references between tasks in place of data." }],
  };
}

const SILENT: Cause = {
  headline: "Nothing was heard of it any more",
  explanation:
    "Neither its process nor its worker renewed its lease. Their machine went down, lost its network, or was suspended. " +
    "If the process still lives, what it says is refused from now on.",
  advice: [
    { text: "Look whether its worker is online, and since when its machine is silent.", link: "pool" },
    { text: "Let the next one be tried by itself: @flow(retries=2). A crash makes a new attempt on another worker." },
  ],
};
