import { describe, expect, it } from "vitest";

import { duration, relative } from "./time";

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
