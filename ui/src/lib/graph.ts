/** What ran in a flow run, put together from the parts of its graph that are fetched while it runs. */
import type { components } from "../api/schema";
import type { View } from "./axis";

type Graph = components["schemas"]["Graph"];
type Node = components["schemas"]["Node"];

/** In ms; what has no end yet lasts. */
export interface Stretch {
  start: number;
  end: number | null;
}

/** A task run or a nested flow run. */
export interface Bar extends Stretch {
  id: string;
  kind: Node["kind"];
  name: string;
  state: Node["state_type"];
  /** When it ran, where that was more than once. */
  tries: Stretch[];
  parents: string[];
}

/** A bar as a row of the timeline: those of nested flow runs are further in. */
export interface Row {
  bar: Bar;
  depth: number;
  isOpen: boolean;
}

export interface Period extends View {
  state: string;
}

/** What comes late was written down about so long before what we have seen, in ms. */
const OVERLAP = 2_000;

/** All that is known of one run. Not a plain object, so that nobody compares ten thousand bars one by one. */
export class Known {
  /** By their beginning. */
  readonly bars: readonly Bar[];
  readonly children: ReadonlyMap<string, string[]>;

  constructor(
    readonly byId: ReadonlyMap<string, Bar>,
    readonly periods: readonly Period[],
  ) {
    this.bars = [...byId.values()].sort((a, b) => a.start - b.start || (a.end ?? Infinity) - (b.end ?? Infinity));
    const children = new Map<string, string[]>();
    for (const bar of this.bars)
      for (const parent of bar.parents) {
        const known = children.get(parent);
        if (known) known.push(bar.id);
        else children.set(parent, [bar.id]);
      }
    this.children = children;
  }

  /** From when on to ask again: what had ended before is known. */
  get since(): string | undefined {
    const seen = this.bars.reduce((latest, bar) => Math.max(latest, bar.end ?? bar.start), -Infinity);
    return seen === -Infinity ? undefined : new Date(seen - OVERLAP).toISOString();
  }
}

/** What was known, with a newer part. */
export function grown(before: Known | undefined, part: Graph): Known {
  const byId = new Map(before?.byId);
  for (const [id, node] of part.nodes) byId.set(id, barOf(id, node));
  const periods = part.states.map((state, at) => ({
    state: state.type,
    from: Date.parse(state.timestamp),
    to: at + 1 < part.states.length ? Date.parse(part.states[at + 1]?.timestamp ?? "") : Infinity,
  }));
  return new Known(byId, periods);
}

function barOf(id: string, node: Node): Bar {
  return {
    id,
    kind: node.kind,
    name: node.label,
    state: node.state_type,
    ...stretchOf(node),
    tries: (node.tries ?? []).map(stretchOf),
    parents: (node.parents ?? []).map((edge) => edge.id),
  };
}

function stretchOf(of: { start_time: string; end_time: string | null }): Stretch {
  return { start: Date.parse(of.start_time), end: of.end_time === null ? null : Date.parse(of.end_time) };
}

/** The bars of a run, and under each nested run that is open its own. */
export function rowsOf(known: Known, nested: ReadonlyMap<string, Known>, open: ReadonlySet<string>, depth = 0): Row[] {
  return known.bars.flatMap((bar) => {
    const isOpen = open.has(bar.id);
    const within = isOpen ? nested.get(bar.id) : undefined;
    const row = { bar, depth, isOpen };
    return within ? [row, ...rowsOf(within, nested, open, depth + 1)] : [row];
  });
}

/** When anything of it ran. An open run ran when its own tasks did. */
export function busyOf(known: Known, nested: ReadonlyMap<string, Known>, open: ReadonlySet<string>): View[] {
  return known.bars.flatMap((bar) => {
    const within = open.has(bar.id) ? nested.get(bar.id) : undefined;
    if (within && within.bars.length > 0) return busyOf(within, nested, open);
    const stretches = bar.tries.length > 0 ? bar.tries : [bar];
    return stretches.map(({ start, end }) => ({ from: start, to: end ?? Infinity }));
  });
}

/** From the first to the last instant of a run and its rows; null before anything has begun. */
export function wholeOf(rows: readonly Row[], run: View | null, now: number): View | null {
  let [from, to] = [run?.from ?? Infinity, run?.to ?? -Infinity];
  for (const { bar } of rows) {
    from = Math.min(from, bar.start);
    to = Math.max(to, bar.end ?? now);
  }
  return from === Infinity ? null : { from, to: Math.max(from + 1, to) };
}

/** What a run did while none of its tasks ran: `paused`, `waiting` for its next try, or `idle`. */
export function idleWord(periods: readonly Period[], gap: View): string {
  const middle = (gap.from + gap.to) / 2;
  const state = periods.find((period) => period.from <= middle && middle < period.to)?.state;
  return state === "PAUSED" ? "paused" : state === "SCHEDULED" ? "waiting" : "idle";
}

/** From whom a row took results and who took its own, as far as they are rows themselves. */
export function edgesOf(
  rows: readonly Row[],
  places: ReadonlyMap<string, number>,
  known: readonly Known[],
  at: number | null,
): { from: number; to: number }[] {
  const bar = at === null ? undefined : rows[at]?.bar;
  if (!bar || at === null) return [];
  const children = known.find((each) => each.byId.has(bar.id))?.children.get(bar.id) ?? [];
  const found = (ids: readonly string[]) => ids.flatMap((id) => places.get(id) ?? []);
  return [
    ...found(bar.parents).map((from) => ({ from, to: at })),
    ...found(children).map((to) => ({ from: at, to })),
  ];
}
