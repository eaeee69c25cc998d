import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { axisOf, gapsIn, helps, instantAt, placeOf, ticksOf } from "./axis";

const HOUR = 3_600_000;
const bounds = { from: 1000, to: 1000 + 10 * HOUR };

/** Anything that ran, within bounds of ten hours and a little beyond. */
const stretches = fc.array(
  fc.tuple(fc.integer({ min: -HOUR, max: 11 * HOUR }), fc.integer({ min: 0, max: HOUR })).map(([from, length]) => ({
    from: bounds.from + from,
    to: bounds.from + from + length,
  })),
  { maxLength: 40 },
);
const instant = fc.integer({ min: bounds.from - HOUR, max: bounds.to + HOUR });

describe("an axis, whatever ran", () => {
  it("only rises", () => {
    fc.assert(
      fc.property(stretches, instant, instant, (busy, a, b) => {
        const axis = axisOf(bounds, busy, true);
        if (a < b) expect(placeOf(axis, a)).toBeLessThan(placeOf(axis, b));
      }),
    );
  });

  it("leads back to the same instant", () => {
    fc.assert(
      fc.property(stretches, instant, (busy, at) => {
        const axis = axisOf(bounds, busy, true);
        expect(instantAt(axis, placeOf(axis, at))).toBeCloseTo(at, 2);
      }),
    );
  });

  it("keeps the length of what ran, and makes nothing longer", () => {
    fc.assert(
      fc.property(stretches, (busy) => {
        const axis = axisOf(bounds, busy, true);
        for (const { from, to } of busy) {
          const [begin, end] = [Math.max(from, bounds.from), Math.min(to, bounds.to)];
          if (begin < end) expect(placeOf(axis, end) - placeOf(axis, begin)).toBeCloseTo(end - begin, 2);
        }
        expect(axis.length).toBeLessThanOrEqual(bounds.to - bounds.from);
        expect(placeOf(axis, bounds.to)).toBeCloseTo(axis.length, 2);
      }),
    );
  });

  it("folds only where nothing ran", () => {
    fc.assert(
      fc.property(stretches, (busy) => {
        for (const fold of axisOf(bounds, busy, true).folds)
          for (const each of busy) expect(each.to <= fold.from || each.from >= fold.to).toBe(true);
      }),
    );
  });
});

it("folds a wait of hours between minutes of work, and says that it helps", () => {
  const busy = [
    { from: bounds.from, to: bounds.from + 60_000 },
    { from: bounds.to - 60_000, to: bounds.to },
  ];
  const axis = axisOf(bounds, busy, true);
  expect(axis.folds).toHaveLength(1);
  expect(axis.length).toBeCloseTo(120_000 * 1.06);
  expect(helps(axis)).toBe(true);
  expect(helps(axisOf(bounds, busy, false))).toBe(false);
});

it("leaves an axis alone on which nothing ran, or something all the time", () => {
  expect(axisOf(bounds, [], true).folds).toEqual([]);
  expect(axisOf(bounds, [bounds], true).folds).toEqual([]);
});

it("finds the gaps between what overlaps", () => {
  const busy = [
    { from: 50, to: 60 },
    { from: 10, to: 30 },
    { from: 20, to: 25 },
  ];
  expect(gapsIn({ from: 0, to: 100 }, busy)).toEqual([
    { from: 0, to: 10 },
    { from: 30, to: 50 },
    { from: 60, to: 100 },
  ]);
});

describe("ticks", () => {
  const plain = (from: number, to: number) => axisOf({ from, to }, [], false);
  const since = (axis: ReturnType<typeof plain>, from: number, to: number) => ticksOf(axis, { from, to }).map((tick) => tick.since);

  it("are round distances, eight at most between the ends", () => {
    expect(since(plain(0, 1000), 0, 1000)).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(since(plain(0, 1000), 450, 860)).toEqual([500, 600, 700, 800]);
    expect(since(plain(0, 7 * HOUR), 0, 7 * HOUR).length).toBeLessThanOrEqual(9);
  });

  it("are said as exactly as they are apart", () => {
    const words = (from: number, to: number) => ticksOf(plain(0, 1e8), { from, to }).map((tick) => tick.words);
    expect(words(10_400, 11_400)).toEqual(["10.4 s", "10.6 s", "10.8 s", "11.0 s", "11.2 s", "11.4 s"]);
    expect(words(0, 800).slice(0, 2)).toEqual(["0", "100 ms"]);
    expect(words(3_660_000, 3_660_004)).toEqual(["1 h 1 min", "1 h 1 min 0.001 s", "1 h 1 min 0.002 s", "1 h 1 min 0.003 s", "1 h 1 min 0.004 s"]);
    expect(words(0, 400_000).slice(1, 3)).toEqual(["1 min", "2 min"]);
  });

  it("leave folds out and go on behind them", () => {
    const axis = axisOf({ from: 0, to: 10_000 }, [{ from: 0, to: 400 }, { from: 9600, to: 10_000 }], true);
    expect(since(axis, 0, axis.length)).toEqual([0, 200, 400, 9600, 9800, 10_000]);
  });
});
