/** In which zone times are told, and whether as an instant or as how far away: chosen here, kept here. */
import { useSyncExternalStore } from "react";

export interface TimeSettings {
  /** Of the IANA, or nothing for the zone of the browser. */
  zone: string;
  format: "relative" | "absolute";
}

const KEPT = "times";
const DEFAULT: TimeSettings = { zone: "", format: "relative" };
const listeners = new Set<() => void>();
let current: TimeSettings | null = null;

export function timeSettings(): TimeSettings {
  current ??= readSettings(typeof localStorage === "undefined" ? null : localStorage.getItem(KEPT));
  return current;
}

/** What was kept, as far as it makes sense: a zone may have been renamed, or the browser be older. */
export function readSettings(kept: string | null): TimeSettings {
  try {
    const { zone, format } = JSON.parse(kept ?? "{}") as Partial<Record<keyof TimeSettings, unknown>>;
    return {
      zone: typeof zone === "string" && isZone(zone) ? zone : DEFAULT.zone,
      format: format === "absolute" ? "absolute" : "relative",
    };
  } catch {
    return DEFAULT;
  }
}

export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return zone !== "";
  } catch {
    return false;
  }
}

export function chooseTimes(chosen: Partial<TimeSettings>): void {
  current = { ...timeSettings(), ...chosen };
  localStorage.setItem(KEPT, JSON.stringify(current));
  for (const tell of listeners) tell();
}

export function useTimeSettings(): TimeSettings {
  return useSyncExternalStore(subscribe, timeSettings);
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

/** The zone that times are told in. */
export function chosenZone(): string {
  return timeSettings().zone || browserZone();
}

export function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** Every zone that the browser lists, and what else was chosen: browsers know more names than they list. */
export function allZones(chosen = ""): string[] {
  const zones = new Set(["UTC", ...Intl.supportedValuesOf("timeZone")]);
  if (chosen !== "") zones.add(chosen);
  return [...zones];
}
