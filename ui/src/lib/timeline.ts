/** Where the bars of a timeline are: times to pixels and back, and what is in view. */

export interface Span {
  id: string;
  name: string;
  state: string;
  start: number;
  end: number;
}

/** A stretch of time, in ms, as it is shown on so many pixels. */
export interface View {
  from: number;
  to: number;
}

export const ROW = 18;

/** Bars in the order in which they began. What has not begun is left out; what runs ends now. */
export function spansOf(
  nodes: readonly (readonly [
    string,
    { label: string; state_type?: string | null; start_time?: string | null; end_time?: string | null },
  ])[],
  now: number,
): Span[] {
  return nodes
    .filter(([, node]) => node.start_time)
    .map(([id, node]) => ({
      id,
      name: node.label,
      state: node.state_type ?? "",
      start: Date.parse(node.start_time ?? ""),
      end: node.end_time ? Date.parse(node.end_time) : now,
    }))
    .sort((a, b) => a.start - b.start || a.end - b.end);
}

/** From the first to the last instant of a run and its bars; null before anything has begun. */
export function whole(spans: readonly Span[], run: View | null = null): View | null {
  const from = Math.min(run?.from ?? Infinity, spans[0]?.start ?? Infinity);
  if (from === Infinity) return null;
  return { from, to: spans.reduce((latest, span) => Math.max(latest, span.end), Math.max(from + 1, run?.to ?? 0)) };
}

export function toPixel(view: View, width: number, at: number): number {
  return ((at - view.from) / (view.to - view.from)) * width;
}

/** Nearer or farther, with the instant under the pointer staying where it is. */
export function zoomed(view: View, bounds: View, factor: number, share: number): View {
  const length = view.to - view.from;
  const widest = bounds.to - bounds.from;
  const wanted = Math.min(widest, Math.max(1, length * factor));
  const fixed = view.from + length * share;
  return inside({ from: fixed - wanted * share, to: fixed + wanted * (1 - share) }, bounds);
}

export function moved(view: View, bounds: View, by: number): View {
  return inside({ from: view.from + by, to: view.to + by }, bounds);
}

function inside(view: View, bounds: View): View {
  const early = Math.max(0, bounds.from - view.from);
  const late = Math.max(0, view.to - bounds.to);
  return { from: view.from + early - late, to: view.to + early - late };
}

/** The rows that a scroll position shows, one more at each end. */
export function rowsInView(count: number, top: number, height: number): [number, number] {
  return [Math.max(0, Math.floor(top / ROW) - 1), Math.min(count, Math.ceil((top + height) / ROW) + 1)];
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 18e5, 36e5, 216e5, 864e5];

/** Instants for the lines of the axis: round distances from the start, eight at most. */
export function ticks(view: View, origin: number): number[] {
  const step = STEPS.find((each) => (view.to - view.from) / each <= 8) ?? 864e5;
  const first = Math.ceil((view.from - origin) / step);
  const found: number[] = [];
  for (let n = first; origin + n * step <= view.to; n++) found.push(n * step);
  return found;
}
