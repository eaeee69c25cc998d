import { describe, expect, it } from "vitest";

import { moved, ROW, rowsInView, toPixel, zoomed } from "./timeline";

const bounds = { from: 0, to: 1000 };

describe("zoomed", () => {
  it("keeps the instant under the pointer where it is", () => {
    const near = zoomed(bounds, bounds, 0.5, 0.25);
    expect(near).toEqual({ from: 125, to: 625 });
    expect(toPixel(near, 100, 250)).toBe(25);
  });

  it("goes neither beyond the whole nor below a millisecond", () => {
    expect(zoomed({ from: 400, to: 600 }, bounds, 100, 0.5)).toEqual(bounds);
    const { from, to } = zoomed({ from: 500, to: 501 }, bounds, 0.1, 0.5);
    expect(to - from).toBe(1);
  });
});

it("moves within the whole", () => {
  expect(moved({ from: 100, to: 300 }, bounds, -500)).toEqual({ from: 0, to: 200 });
  expect(moved({ from: 100, to: 300 }, bounds, 5000)).toEqual({ from: 800, to: 1000 });
});

it("draws only what is in view", () => {
  expect(rowsInView(10_000, 100 * ROW, 10 * ROW)).toEqual([99, 111]);
  expect(rowsInView(3, 0, 180)).toEqual([0, 3]);
});
