/** Instants and durations for people. */
import { chosenZone } from "./time-settings";

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];

/** `1.2 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`: two units at most. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  let rest = Math.round(seconds);
  const said: string[] = [];
  for (const [size, unit] of [...STEPS, [1, "s"] as [number, string]]) {
    const count = Math.floor(rest / size);
    if (count > 0 || said.length > 0) {
      if (count > 0) said.push(`${count} ${unit}`);
      rest -= count * size;
      if (said.length === 2 || (said.length === 1 && count === 0)) break;
    }
  }
  return said.join(" ");
}

/** `3 min ago`, `in 2 h`, `now`. */
export function relative(instant: string | Date, now: Date): string {
  const seconds = (new Date(instant).getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const size = duration(Math.abs(seconds)).replace(/\.\d/, "").split(" ").slice(0, 2).join(" ");
  return seconds < 0 ? `${size} ago` : `in ${size}`;
}

/** `2026-03-29 14:05:09`, in the zone that was chosen. */
export function stamp(instant: string | Date, zone = chosenZone()): string {
  return `${day(instant, zone)} ${partsOf(instant, zone).time}`;
}

/** The whole instant with its day and zone: `Sun 2026-03-29 14:05:09 GMT+2`. */
export function absolute(instant: string | Date, zone = chosenZone()): string {
  const { weekday, name } = partsOf(instant, zone);
  return `${weekday} ${stamp(instant, zone)} ${name}`;
}

/** `2026-03-29`. */
export function day(instant: string | Date, zone = chosenZone()): string {
  return partsOf(instant, zone).day;
}

/** `14:05:09.123`. */
export function clock(instant: string | Date, zone = chosenZone()): string {
  const milliseconds = new Date(instant).getUTCMilliseconds();
  return `${partsOf(instant, zone).time}.${String(milliseconds).padStart(3, "0")}`;
}

/** What a field for date and time shows: `2026-03-29T14:05`. */
export function toField(instant: string | Date, zone = chosenZone()): string {
  const { day, time } = partsOf(instant, zone);
  return `${day}T${time.slice(0, 5)}`;
}

/**
 * The instant that a field for date and time means, or null. Of an hour that a zone has twice, the
 * first; a time that it leaves out is as much later as the clocks were put forward.
 */
export function fromField(text: string, zone = chosenZone()): Date | null {
  const asUtc = Date.parse(`${text}Z`);
  if (Number.isNaN(asUtc)) return null;
  const before = asUtc - offset(asUtc - DAY_MS, zone);
  const after = asUtc - offset(asUtc + DAY_MS, zone);
  const means = (instant: number) => toField(new Date(instant), zone) === text.slice(0, 16);
  return new Date(!means(before) && means(after) ? after : before);
}

/** By how many milliseconds the clocks of a zone are ahead of UTC at an instant. */
function offset(instant: number, zone: string): number {
  const { day, time } = partsOf(new Date(instant), zone);
  return Date.parse(`${day}T${time}Z`) - Math.floor(instant / 1000) * 1000;
}

const DAY_MS = 86_400_000;

interface Parts {
  day: string;
  time: string;
  weekday: string;
  /** Of the zone as it is then. */
  name: string;
}

/** Making one takes longer than using it a hundred times. */
const formats = new Map<string, Intl.DateTimeFormat>();

function partsOf(instant: string | Date, zone: string): Parts {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-GB", {
      calendar: "gregory",
      numberingSystem: "latn",
      timeZone: zone,
      hourCycle: "h23",
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      timeZoneName: "short",
    });
    formats.set(zone, format);
  }
  const found = Object.fromEntries(format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
  return {
    day: `${found["year"]}-${found["month"]}-${found["day"]}`,
    time: `${found["hour"]}:${found["minute"]}:${found["second"]}`,
    weekday: found["weekday"] ?? "",
    name: found["timeZoneName"] ?? zone,
  };
}
