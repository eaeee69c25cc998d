import { expect, test } from "vitest";

import { pieces, plain } from "./ansi";

const ESC = "\u001b";

test("a line without colours is one piece", () => {
  expect(pieces("hello")).toEqual([{ text: "hello", look: "" }]);
});

test("colours and bold become classes, and end where they are ended", () => {
  expect(pieces(`${ESC}[31mred${ESC}[1m bold${ESC}[0m rest`)).toEqual([
    { text: "red", look: "text-bad" },
    { text: " bold", look: "text-bad font-semibold" },
    { text: " rest", look: "" },
  ]);
});

test("colours of 256 and of 16 million are left out whole", () => {
  expect(pieces(`${ESC}[38;5;31mx${ESC}[38;2;1;2;31my`)).toEqual([
    { text: "x", look: "" },
    { text: "y", look: "" },
  ]);
});

test("moves of the cursor, titles and links are left out", () => {
  expect(plain(`${ESC}[2Ka${ESC}]0;title\u0007b${ESC}]8;;http://x${ESC}\\c`)).toBe("abc");
});

test("what looks like code stays text", () => {
  expect(plain(`${ESC}[32m<script>${ESC}[0m`)).toBe("<script>");
});
