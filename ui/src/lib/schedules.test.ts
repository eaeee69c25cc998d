import { expect, test } from "vitest";

import { inWords, ruleOf, scheduleOf, secondsOf } from "./schedules";

test.each([
  [{ cron: "0 5 * * *", timezone: "America/New_York" }, "every day at 05:00 America/New_York"],
  [{ cron: "30 7 * * 1", timezone: "UTC" }, "every Monday at 07:30"],
  [{ cron: "30 7 * * 7" }, "every Sunday at 07:30"],
  [{ cron: "0 9 * * MON-FRI" }, "Monday to Friday at 09:00"],
  [{ cron: "*/15 * * * *" }, "every 15 min"],
  [{ cron: "*/7 * * * *" }, "*/7 * * * *"],
  [{ cron: "5 * * * *" }, "every hour at :05"],
  [{ cron: "* * * * *" }, "every minute"],
  [{ cron: "0 0 1 * *" }, "on day 1 of every month at 00:00"],
  [{ cron: "0 0 1 1 *" }, "0 0 1 1 *"],
  [{ cron: "0 0 1 * 1" }, "0 0 1 * 1"],
  [{ cron: "0 0 * * 1#2" }, "0 0 * * 1#2"],
  [{ cron: "0 30 9 * * *" }, "0 30 9 * * *"],
  [{ cron: "@daily" }, "@daily"],
  [{ interval: 5400 }, "every 1 h 30 min"],
  [{ rrule: "FREQ=DAILY" }, "FREQ=DAILY"],
])("%j", (schedule, words) => {
  expect(inWords(schedule)).toBe(words);
});

test("an interval is typed as people say it", () => {
  expect(["90", "15 min", "1.5 h", "2d"].map(secondsOf)).toEqual([90, 900, 5_400, 172_800]);
  expect(["", "soon", "5 weeks", "-3 min"].map(secondsOf)).toEqual([null, null, null, null]);
});

test("a form and a schedule are made from each other", () => {
  const nightly = { cron: "0 5 * * *", timezone: "Europe/Berlin", day_or: true };
  expect(ruleOf(nightly)).toEqual({ kind: "cron", text: "0 5 * * *", timezone: "Europe/Berlin" });
  expect(scheduleOf({ kind: "cron", text: "0 6 * * *", timezone: "" }, nightly)).toEqual({
    cron: "0 6 * * *",
    day_or: true,
  });
  expect(ruleOf({ interval: 5_400 }).text).toBe("90 min");
  expect(scheduleOf({ kind: "interval", text: "90 min", timezone: "" }, nightly)).toEqual({ interval: 5_400 });
  expect(scheduleOf({ kind: "interval", text: "now and then", timezone: "" })).toBeNull();
});
