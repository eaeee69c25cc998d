/** Log lines as text. */
import type { Log } from "../api/client";
import { plain } from "./ansi";

export const LEVELS: [number, string][] = [
  [0, "all"],
  [20, "info"],
  [30, "warning"],
  [40, "error"],
];

const NAMES: [number, string][] = [
  [50, "CRITICAL"],
  [40, "ERROR"],
  [30, "WARNING"],
  [20, "INFO"],
];

/** `WARNING` for 30 and whatever is between it and the next one. */
export function levelName(level: number): string {
  return NAMES.find(([least]) => level >= least)?.[1] ?? "DEBUG";
}

/** One line for each message, with the whole instant: what is copied and kept. */
export function textOf(lines: Log[]): string {
  return lines
    .map((line) => `${line.timestamp} ${levelName(line.level).padEnd(8)} ${plain(line.message)}\n`)
    .join("");
}

/** Of at least a level, with these words in it. */
export function wanted(lines: Log[], least: number, words: string): Log[] {
  const lower = words.toLowerCase();
  return lines.filter(
    (line) => line.level >= least && plain(line.message).toLowerCase().includes(lower),
  );
}
