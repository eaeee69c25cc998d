/** How a worker's machine did, and a run on it, as lines beside the timeline. */
import type { components } from "../api/schema";

export type Reading = components["schemas"]["HostReading"];

export type LineName = "CPU" | "Memory" | "Disk" | "CPU of the run" | "Memory of the run";

/** One figure at each reading: as a fraction of what the machine has, and in words. Null where it was not told. */
export interface Line {
  name: LineName;
  values: (number | null)[];
  words: string[];
  /** The readings that are said when none is pointed at. */
  last: number;
  most: number;
}

interface Figure {
  name: LineName;
  share: (reading: Reading) => number | null;
  /** Where something else than the share is to be said. */
  say?: (reading: Reading) => string;
}

const FIGURES: Figure[] = [
  { name: "CPU", share: (reading) => reading.cpu_used ?? null },
  { name: "Memory", share: (reading) => share(reading.memory_used_bytes, memoryOf(reading)) },
  { name: "Disk", share: (reading) => share(reading.disk_used_bytes, reading.disk_total_bytes) },
  {
    name: "CPU of the run",
    share: (reading) => share(reading.run_cpu_cores, reading.cpu_count),
    say: (reading) => `${(reading.run_cpu_cores ?? 0).toFixed(2)} cores`,
  },
  {
    name: "Memory of the run",
    share: (reading) => share(reading.run_memory_bytes, memoryOf(reading)),
    say: (reading) => `${Math.round((reading.run_memory_bytes ?? 0) / 2 ** 20).toLocaleString()} MiB`,
  },
];

/** In a container what counts is its own limit. */
function memoryOf({ memory_limit_bytes: limit, memory_total_bytes: total }: Reading): number | null {
  return limit == null ? (total ?? null) : total == null ? limit : Math.min(limit, total);
}

function share(used: number | null | undefined, total: number | null | undefined): number | null {
  return used == null || !total ? null : Math.min(1, used / total);
}

/** How much is in use now, as the chart has it: `37 %`, or a dash where nobody has told. */
export function inUse(host: Record<string, unknown> | null | undefined, name: LineName): string {
  const figure = FIGURES.find((each) => each.name === name);
  const used = host ? (figure?.share(host as unknown as Reading) ?? null) : null;
  return used === null ? "–" : percent(used);
}

/** One line for each figure that was told at all. */
export function linesOf(readings: readonly Reading[]): Line[] {
  return FIGURES.flatMap(({ name, share, say }) => {
    const values = readings.map(share);
    const last = values.findLastIndex((value) => value !== null);
    if (last < 0) return [];
    const most = values.reduce<number>((found, value, at) => ((value ?? -1) > (values[found] ?? -1) ? at : found), 0);
    const words = readings.map((reading, at) => {
      const value = values[at] ?? null;
      return value === null ? "–" : say ? say(reading) : percent(value);
    });
    return [{ name, values, words, last, most }];
  });
}

export function percent(used: number): string {
  return `${Math.round(used * 100)} %`;
}
