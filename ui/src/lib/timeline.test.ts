import { describe, expect, it } from "vitest";

import { moved, rowsInView, spansOf, ticks, toPixel, whole, zoomed } from "./timeline";

const bounds = { from: 0, to: 1000 };

describe("spansOf", () => {
  it("orders by the beginning, ends what runs now, and leaves out what has not begun", () => {
    const spans = spansOf(
      [
        ["b", { label: "b", start_time: "1970-01-01T00:00:02Z" }],
        ["a", { label: "a", start_time: "1970-01-01T00:00:01Z", end_time: "1970-01-01T00:00:03Z" }],
        ["c", { label: "c" }],
      ],
      9000,
    );
    expect(spans.map(({ id, start, end }) => [id, start, end])).toEqual([
      ["a", 1000, 3000],
      ["b", 2000, 9000],
    ]);
    expect(whole(spans)).toEqual({ from: 1000, to: 9000 });
    expect(whole(spans, { from: 500, to: 9500 })).toEqual({ from: 500, to: 9500 });
    expect(whole([])).toBeNull();
  });
});

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
  expect(rowsInView(10_000, 1800, 180)).toEqual([99, 111]);
  expect(rowsInView(3, 0, 180)).toEqual([0, 3]);
});

it("marks round distances, eight at most", () => {
  expect(ticks({ from: 0, to: 1000 }, 0)).toEqual([0, 200, 400, 600, 800, 1000]);
  expect(ticks({ from: 0, to: 7 * 3600e3 }, 0).length).toBeLessThanOrEqual(15);
  expect(ticks({ from: 450, to: 860 }, 0)).toEqual([500, 600, 700, 800]);
});
