import { expect, test } from "vitest";

import type { Log } from "../api/client";
import { levelName, textOf, wanted } from "./log-text";

const line = (level: number, message: string) =>
  ({ id: message, level, message, timestamp: "2026-01-01T00:00:00Z", name: "n" }) as Log;

test("levels between the named ones count as the one below", () => {
  expect([10, 20, 25, 30, 40, 50, 60].map(levelName)).toEqual([
    "DEBUG", "INFO", "INFO", "WARNING", "ERROR", "CRITICAL", "CRITICAL",
  ]);
});

test("what is copied has its instant and no colours", () => {
  expect(textOf([line(30, "\u001b[31mhot\u001b[0m")])).toBe("2026-01-01T00:00:00Z WARNING  hot\n");
});

test("words are found without regard to case, and across colours", () => {
  const lines = [line(20, "Hello"), line(40, "he\u001b[1mLLo"), line(40, "other")];
  expect(wanted(lines, 0, "hello").length).toBe(2);
  expect(wanted(lines, 30, "hello").length).toBe(1);
});
