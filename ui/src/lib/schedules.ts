/** Schedules in words, where words say it better than the rule itself. */
import { duration } from "./time";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const NUMBER = /^\d+$/;

/** `every day at 05:00`, `every 10 min`; a rule that is too much for words as it is. */
export function inWords(schedule: Record<string, unknown>): string {
  const { cron, interval, rrule, timezone } = schedule;
  const zone = typeof timezone === "string" && timezone !== "UTC" ? ` ${timezone}` : "";
  if (typeof cron === "string") return `${cronInWords(cron) ?? cron}${zone}`;
  if (typeof interval === "number") return `every ${duration(interval)}`;
  return typeof rrule === "string" ? `${rrule}${zone}` : "";
}

function cronInWords(cron: string): string | null {
  const fields = cron.trim().split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  if (fields.length !== 5 || month !== "*") return null;
  const isDaily = day === "*" && weekday === "*";
  if (hour === "*" && isDaily) {
    if (minute === "*") return "every minute";
    const step = /^\*\/(\d+)$/.exec(minute)?.[1];
    // A step that does not divide the hour begins anew with each.
    if (step && 60 % Number(step) === 0) return `every ${step} min`;
    return NUMBER.test(minute) ? `every hour at :${minute.padStart(2, "0")}` : null;
  }
  if (!NUMBER.test(minute) || !NUMBER.test(hour)) return null;
  const at = `at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (isDaily) return `every day ${at}`;
  if (day === "*") {
    if (weekday === "1-5" || weekday.toUpperCase() === "MON-FRI") return `Monday to Friday ${at}`;
    return NUMBER.test(weekday) && DAYS[Number(weekday) % 7] ? `every ${DAYS[Number(weekday) % 7]} ${at}` : null;
  }
  return weekday === "*" && NUMBER.test(day) ? `on day ${day} of every month ${at}` : null;
}

export type Kind = "cron" | "interval" | "rrule";

/** A schedule as a form has it. */
export interface Rule {
  kind: Kind;
  text: string;
  timezone: string;
}

const UNITS: Record<string, number> = { s: 1, min: 60, h: 3_600, d: 86_400 };
const INTERVAL = /^(\d+(?:\.\d+)?)\s*(s|min|h|d)?$/;

/** Seconds out of `90`, `15 min`, `1.5 h`, `1 d`. */
export function secondsOf(text: string): number | null {
  const [, count, unit = "s"] = INTERVAL.exec(text.trim()) ?? [];
  return count ? Number(count) * (UNITS[unit] ?? 1) : null;
}

export function ruleOf(schedule: Record<string, unknown>): Rule {
  const timezone = typeof schedule["timezone"] === "string" ? schedule["timezone"] : "";
  for (const kind of ["cron", "rrule"] as const) {
    const text = schedule[kind];
    if (typeof text === "string") return { kind, text, timezone };
  }
  return { kind: "interval", text: intervalText(Number(schedule["interval"] ?? 0)), timezone };
}

function intervalText(seconds: number): string {
  const unit = Object.entries(UNITS)
    .reverse()
    .find(([, size]) => seconds >= size && seconds % size === 0);
  return unit ? `${seconds / unit[1]} ${unit[0]}` : `${seconds}`;
}

/** What the form means, laid over what it was made from; null where an interval is none. */
export function scheduleOf(rule: Rule, before: Record<string, unknown> = {}): Record<string, unknown> | null {
  const { cron: _, interval: __, rrule: ___, timezone: ____, ...rest } = before;
  const zone = rule.timezone.trim() ? { timezone: rule.timezone.trim() } : {};
  // What belongs to one kind of rule does not outlive it.
  const same = rule.kind in before ? rest : {};
  if (rule.kind !== "interval") return { ...same, [rule.kind]: rule.text.trim(), ...zone };
  const seconds = secondsOf(rule.text);
  return seconds ? { ...same, interval: seconds, ...zone } : null;
}
