/** What a task run's page says: its tries, and where its inputs came from. */
import type { StateType, TaskRun } from "../api/client";

interface Move {
  id: string;
  type: StateType;
  name: string;
  timestamp: string;
  message?: string | null;
}

/** From when it ran until what came of it; of the last try that may be nothing yet. */
export interface Try {
  number: number;
  start: string;
  seconds: number | null;
  outcome: Move | null;
  /** How long it waited before. */
  waited: number | null;
}

const secondsFrom = (a: string, b: string) => (Date.parse(b) - Date.parse(a)) / 1000;

export function triesOf(states: readonly Move[]): Try[] {
  const tries: Try[] = [];
  states.forEach((state, at) => {
    if (state.type !== "RUNNING") return;
    const outcome = states[at + 1] ?? null;
    const before = tries.at(-1)?.outcome;
    tries.push({
      number: tries.length + 1,
      start: state.timestamp,
      seconds: outcome && secondsFrom(state.timestamp, outcome.timestamp),
      outcome,
      waited: before ? secondsFrom(before.timestamp, state.timestamp) : null,
    });
  });
  return tries;
}

export interface Input {
  parameter: string;
  task: string;
}

/** The task in which the task was called, as inputs name it. */
const AROUND = "__parents__";

/** Which parameter took the result of which task run, each once. */
export function inputsOf(task: Pick<TaskRun, "task_inputs">): Input[] {
  const found = new Map<string, Input>();
  for (const [parameter, inputs] of Object.entries(task.task_inputs ?? {})) {
    if (parameter === AROUND) continue;
    for (const id of taskIds(inputs)) found.set(`${parameter} ${id}`, { parameter, task: id });
  }
  return [...found.values()];
}

/** In which task run it was called, if in one. */
export function callerOf(task: Pick<TaskRun, "task_inputs">): string | null {
  return taskIds(task.task_inputs?.[AROUND] ?? [])[0] ?? null;
}

function taskIds(inputs: readonly Record<string, unknown>[]): string[] {
  return inputs.flatMap((input) => (input["input_type"] === "task_run" && typeof input["id"] === "string" ? [input["id"]] : []));
}

export interface Result {
  key: string;
  storage: string | null;
  bytes: number | null;
  expires: string | null;
}

/** Where a result is kept, by the data of the state that it came with. Null where it is kept nowhere. */
export function resultOf(data: unknown): Result | null {
  if (typeof data !== "object" || data === null) return null;
  const told = data as Record<string, unknown>;
  const text = (name: string) => (typeof told[name] === "string" ? (told[name] as string) : null);
  const key = text("storage_key");
  if (key === null) return null;
  const bytes = told["size_bytes"];
  return { key, storage: text("storage"), bytes: typeof bytes === "number" ? bytes : null, expires: text("expiration") };
}
