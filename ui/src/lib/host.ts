/** How a worker's machine did, as lines beside the timeline. */
import type { components } from "../api/schema";

export type Reading = components["schemas"]["HostReading"];

export interface Line {
  name: "CPU" | "Memory" | "Disk";
  /** How much was in use at each reading, as a fraction of 1; null where it was not told. */
  values: (number | null)[];
  last: number;
  most: number;
}

const SHARES: [Line["name"], (reading: Reading) => number | null][] = [
  ["CPU", (reading) => reading.cpu_used ?? null],
  // In a container what counts is its own limit.
  ["Memory", (reading) => share(reading.memory_used_bytes, least(reading.memory_limit_bytes, reading.memory_total_bytes))],
  ["Disk", (reading) => share(reading.disk_used_bytes, reading.disk_total_bytes)],
];

function least(limit: number | null | undefined, total: number | null | undefined): number | null {
  return limit == null ? (total ?? null) : total == null ? limit : Math.min(limit, total);
}

function share(used: number | null | undefined, total: number | null | undefined): number | null {
  return used == null || !total ? null : Math.min(1, used / total);
}

/** How much is in use now, as the chart has it: `37 %`, or a dash where nobody has told. */
export function inUse(host: Record<string, unknown> | null | undefined, name: Line["name"]): string {
  const read = SHARES.find(([each]) => each === name)?.[1];
  const used = host ? (read?.(host as unknown as Reading) ?? null) : null;
  return used === null ? "–" : percent(used);
}

/** One line for each figure that was told at all. */
export function linesOf(readings: readonly Reading[]): Line[] {
  return SHARES.flatMap(([name, read]) => {
    const values = readings.map(read);
    const told = values.filter((value) => value !== null);
    return told.length > 0 ? [{ name, values, last: told.at(-1) ?? 0, most: Math.max(...told) }] : [];
  });
}

export function percent(used: number): string {
  return `${Math.round(used * 100)} %`;
}
