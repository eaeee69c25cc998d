/** What of a timeline is in view, and how that is moved. */
import type { View } from "./axis";

export const ROW = 20;

export function toPixel(view: View, width: number, at: number): number {
  return ((at - view.from) / (view.to - view.from)) * width;
}

/** Nearer or farther, with what is under the pointer staying where it is. */
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
