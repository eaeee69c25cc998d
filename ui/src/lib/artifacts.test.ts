import { describe, expect, it, test } from "vitest";

import { gridOf, isLink, isPicture, linked } from "./artifacts";

test("tables come as rows by name, rows, or columns, in JSON or not", () => {
  const grid = { columns: ["a", "b"], rows: [[1, 2], [3, undefined]] };
  expect(gridOf('[{"a": 1, "b": 2}, {"a": 3}]')).toEqual(grid);
  expect(gridOf({ a: [1, 3], b: [2] })).toEqual(grid);
  expect(gridOf([[1, 2], [3]])).toEqual({ columns: ["1", "2"], rows: [[1, 2], [3]] });
  expect(gridOf([])).toEqual({ columns: [], rows: [] });
});

test.each([["{"], [7], [null], [[1, 2]], [{ a: 1 }]])("%j is no table", (data) => {
  expect(gridOf(data)).toBeNull();
});

test("addresses of the web become links, with or without a name", () => {
  expect(linked("see [the report](https://x.org/a?b=1), or http://y.org.")).toEqual([
    { text: "see " },
    { text: "the report", href: "https://x.org/a?b=1" },
    { text: ", or " },
    { text: "http://y.org.", href: "http://y.org." },
  ]);
});

test.each(["[x](javascript:alert(1))", "[x](data:text/html,1)", "<script>1</script>", "[x](/api/keys)"])(
  "%s stays text",
  (text) => {
    expect(linked(text)).toEqual([{ text }]);
  },
);

describe("isPicture", () => {
  const here = "https://runs.example.com";
  it.each([
    ["data:image/png;base64,AAAA", true],
    ["data:image/svg+xml,%3Csvg%3E", true],
    ["data:text/html,<script>1</script>", false],
    ["https://runs.example.com/a.png", true],
    ["https://elsewhere.example.com/a.png", false],
    ["//elsewhere.example.com/a.png", false],
    ["javascript:alert(1)", false],
    ["", false],
  ])("%s: %s", (address, is) => {
    expect(isPicture(address, here)).toBe(is);
  });
});

describe("isLink", () => {
  it.each([
    ["https://example.com", true],
    ["HTTP://example.com/a b", true],
    ["javascript:alert(1)//https://x", false],
    ["https://", false],
  ])("%s: %s", (address, is) => {
    expect(isLink(address)).toBe(is);
  });
});
