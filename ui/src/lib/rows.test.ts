import { expect, test } from "vitest";

import { beside } from "./rows";

test.each([
  [3, -1, 1, 0],
  [3, -1, -1, 2],
  [3, 0, 1, 1],
  [3, 2, 1, 2],
  [3, 0, -1, 0],
] as const)("of %i rows, from %i by %i", (count, at, by, found) => {
  expect(beside(count, at, by)).toBe(found);
});
