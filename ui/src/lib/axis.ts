/** Instants to places on an axis and back. Long stretches in which nothing ran are folded. */

/** From one number to another: instants in ms, or places on an axis. */
export interface View {
  from: number;
  to: number;
}

/** A stretch of time that takes `width` of the axis from `at` on, however long it was. */
export interface Fold extends View {
  at: number;
  width: number;
}

/** Corners of a line that only rises: between two of them it is straight, beyond them it goes on by one for each ms. */
export interface Axis {
  times: number[];
  places: number[];
  folds: Fold[];
  length: number;
}

const MOST_FOLDS = 8;
/** The width of a fold, as a part of what is not folded. */
const FOLD_SHARE = 0.06;
/** What is shorter than so many widths of a fold stays as it is: folding it would only confuse. */
const WORTH_FOLDING = 3;
/** Folding by itself is for axes that become shorter by so much. */
const HELPS_FROM = 0.25;

/** The stretches within the bounds that none of these covers, in order. */
export function gapsIn(bounds: View, busy: readonly View[]): View[] {
  const gaps: View[] = [];
  let until = bounds.from;
  for (const each of [...busy].sort((a, b) => a.from - b.from)) {
    if (each.from >= bounds.to) break;
    if (each.from > until) gaps.push({ from: until, to: each.from });
    until = Math.max(until, each.to);
  }
  if (until < bounds.to) gaps.push({ from: until, to: bounds.to });
  return gaps;
}

/** The longest gaps, as long as they are much longer than what they are folded to. */
function worthFolding(gaps: View[], whole: number): { folded: View[]; width: number } {
  const longest = gaps.map((gap) => gap.to - gap.from).sort((a, b) => b - a).slice(0, MOST_FOLDS);
  let [rest, width, least] = [whole, 0, Infinity];
  for (const length of longest) {
    const narrower = Math.max(1, (rest - length) * FOLD_SHARE);
    if (length <= WORTH_FOLDING * narrower) break;
    [rest, width, least] = [rest - length, narrower, length];
  }
  const folded = gaps.filter((gap) => gap.to - gap.from >= least).slice(0, MOST_FOLDS);
  return { folded, width };
}

/** An axis over the bounds on which `busy` keeps its length. */
export function axisOf(bounds: View, busy: readonly View[], isFolding: boolean): Axis {
  const whole = bounds.to - bounds.from;
  const gaps = isFolding && busy.length > 0 ? gapsIn(bounds, busy) : [];
  const { folded, width } = worthFolding(gaps, whole);
  const axis: Axis = { times: [bounds.from], places: [0], folds: [], length: 0 };
  const go = (until: number, by: number) => {
    axis.length += by;
    axis.times.push(until);
    axis.places.push(axis.length);
  };
  let at = bounds.from;
  for (const gap of folded) {
    if (gap.from > at) go(gap.from, gap.from - at);
    axis.folds.push({ ...gap, at: axis.length, width });
    go(gap.to, width);
    at = gap.to;
  }
  if (bounds.to > at) go(bounds.to, bounds.to - at);
  return axis;
}

/** Whether the folds make so much of a difference that one wants them unasked. */
export function helps(axis: Axis): boolean {
  const saved = axis.folds.reduce((sum, fold) => sum + fold.to - fold.from - fold.width, 0);
  return saved > HELPS_FROM * (axis.length + saved);
}

export function placeOf(axis: Axis, instant: number): number {
  return along(axis.times, axis.places, instant);
}

export function instantAt(axis: Axis, place: number): number {
  return along(axis.places, axis.times, place);
}

/** Where x is on the second scale. */
function along(from: readonly number[], to: readonly number[], x: number): number {
  const last = from.length - 1;
  if (x <= (from[0] ?? 0)) return (to[0] ?? 0) + x - (from[0] ?? 0);
  if (x >= (from[last] ?? 0)) return (to[last] ?? 0) + x - (from[last] ?? 0);
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((from[middle] ?? 0) <= x) low = middle;
    else high = middle;
  }
  const [x0, x1, y0, y1] = [from[low] ?? 0, from[high] ?? 0, to[low] ?? 0, to[high] ?? 0];
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 216e5, 864e5];

export interface Tick {
  place: number;
  /** ms since the beginning of the axis, folds included. */
  since: number;
  /** The same in words, as exact as the distance between ticks. */
  words: string;
}

/** Places for the lines of an axis: round distances from its beginning, about eight, none within a fold. */
export function ticksOf(axis: Axis, shown: View): Tick[] {
  const step = STEPS.find((each) => (shown.to - shown.from) / each <= 8) ?? 864e5;
  const origin = axis.times[0] ?? 0;
  const found: Tick[] = [];
  for (let corner = 1; corner < axis.times.length; corner++) {
    const [begin, end] = [axis.times[corner - 1] ?? 0, axis.times[corner] ?? 0];
    if (axis.folds.some((fold) => fold.from === begin)) continue;
    const from = Math.max(begin, instantAt(axis, shown.from));
    const to = Math.min(end, instantAt(axis, shown.to));
    for (let n = Math.ceil((from - origin) / step); origin + n * step <= to; n++)
      found.push({ place: placeOf(axis, origin + n * step), since: n * step, words: tickWords(n * step, step) });
  }
  return found;
}

/** `1 min 20 s`, and in smaller steps `1 min 20.5 s`. */
function tickWords(since: number, step: number): string {
  if (since === 0) return "0";
  if (since < 1000) return `${since} ms`;
  const units: [number, string][] = [[864e5, "d"], [36e5, "h"], [6e4, "min"]];
  let rest = since;
  const said: string[] = [];
  for (const [size, unit] of units) {
    if (rest >= size) said.push(`${Math.floor(rest / size)} ${unit}`);
    rest %= size;
  }
  const digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
  if (rest > 0) said.push(`${(rest / 1000).toFixed(digits)} s`);
  return said.join(" ");
}
