/** The row after or before one of so many; the first or the last when none is chosen (-1). */
export function beside(count: number, at: number, by: 1 | -1): number {
  if (at < 0) return by > 0 ? 0 : count - 1;
  return Math.min(count - 1, Math.max(0, at + by));
}
