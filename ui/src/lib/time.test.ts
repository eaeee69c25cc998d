import { describe, expect, it } from "vitest";

import { absolute, clock, duration, fromField, relative, stamp, toField } from "./time";
import { allZones, isZone, readSettings } from "./time-settings";

describe("duration", () => {
  it.each([
    [0.02, "20 ms"],
    [1.24, "1.2 s"],
    [42, "42 s"],
    [60, "1 min"],
    [200, "3 min 20 s"],
    [3600, "1 h"],
    [7500, "2 h 5 min"],
    [3605, "1 h"],
    [90_000, "1 d 1 h"],
    [-1, "–"],
  ])("%d seconds are %s", (seconds, said) => {
    expect(duration(seconds)).toBe(said);
  });
});

describe("relative", () => {
  const now = new Date("2026-01-01T12:00:00Z");
  it.each([
    ["2026-01-01T12:00:00.200Z", "now"],
    ["2026-01-01T11:57:00Z", "3 min ago"],
    ["2026-01-01T14:00:00Z", "in 2 h"],
  ])("%s is %s", (instant, said) => {
    expect(relative(instant, now)).toBe(said);
  });
});

describe("in a zone", () => {
  const BERLIN = "Europe/Berlin";
  it.each([
    ["2026-03-29T00:59:59Z", BERLIN, "2026-03-29 01:59:59"],
    ["2026-03-29T01:00:00Z", BERLIN, "2026-03-29 03:00:00"],
    ["2026-10-25T00:30:00Z", BERLIN, "2026-10-25 02:30:00"],
    ["2026-10-25T01:30:00Z", BERLIN, "2026-10-25 02:30:00"],
    ["2026-12-31T23:00:00Z", "Asia/Kathmandu", "2027-01-01 04:45:00"],
    ["2026-01-01T00:00:00Z", "UTC", "2026-01-01 00:00:00"],
  ])("%s in %s is %s", (instant, zone, said) => {
    expect(stamp(instant, zone)).toBe(said);
  });

  it("tells the day of the week and the zone as it is then", () => {
    expect(absolute("2026-03-29T12:00:00Z", BERLIN)).toMatch(/^Sun 2026-03-29 14:00:00 (CEST|GMT\+2)$/);
    expect(clock("2026-03-29T12:00:00.042Z", BERLIN)).toBe("14:00:00.042");
  });

  it.each([
    ["2026-06-01T09:00", BERLIN, "2026-06-01T07:00:00.000Z"],
    // Twice there: the first. Left out: as much later as the clocks were put forward.
    ["2026-10-25T02:30", BERLIN, "2026-10-25T00:30:00.000Z"],
    ["2026-03-29T02:30", BERLIN, "2026-03-29T01:30:00.000Z"],
    ["2026-10-25T04:00", BERLIN, "2026-10-25T03:00:00.000Z"],
    ["2026-03-29T04:00", BERLIN, "2026-03-29T02:00:00.000Z"],
    ["2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00.000Z"],
    ["2026-06-01T09:00", "Pacific/Kiritimati", "2026-05-31T19:00:00.000Z"],
  ])("%s typed in %s is %s", (text, zone, instant) => {
    expect(fromField(text, zone)?.toISOString()).toBe(instant);
  });

  it("gives back what was typed, hour by hour of a year", () => {
    for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 3 * 3_600_000) {
      const text = toField(new Date(at), BERLIN);
      expect(toField(fromField(text, BERLIN) ?? "", BERLIN)).toBe(text);
    }
  });

  it("knows no time that is none", () => {
    expect(fromField("", BERLIN)).toBeNull();
    expect(fromField("soon", BERLIN)).toBeNull();
  });
});

describe("what was chosen", () => {
  it("is read back, as far as it makes sense", () => {
    expect(readSettings('{"zone":"Asia/Tokyo","format":"absolute"}')).toEqual({ zone: "Asia/Tokyo", format: "absolute" });
    for (const kept of [null, "", "[", "null", '{"zone":"Mars/Base","format":1}'])
      expect(readSettings(kept)).toEqual({ zone: "", format: "relative" });
  });

  it("is a zone that the browser knows", () => {
    expect(isZone("Europe/Berlin")).toBe(true);
    expect(isZone("")).toBe(false);
    expect(allZones()).toContain("UTC");
  });
});
