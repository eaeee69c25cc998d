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
