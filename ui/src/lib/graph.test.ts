import { describe, expect, it } from "vitest";

import { busyOf, edgesOf, grown, idleWord, rowsOf, wholeOf } from "./graph";

const at = (seconds: number) => new Date(seconds * 1000).toISOString();

function node(id: string, start: number, end: number | null, more: object = {}): [string, never] {
  const all = {
    kind: "task-run", id, label: `task ${id}`, state_type: end === null ? "RUNNING" : "COMPLETED",
    start_time: at(start), end_time: end === null ? null : at(end), ...more,
  };
  return [id, all as never];
}

function graph(...nodes: [string, never][]) {
  const states = [
    { id: "1", timestamp: at(0), type: "RUNNING", name: "Running" },
    { id: "2", timestamp: at(100), type: "PAUSED", name: "Paused" },
  ];
  return { start_time: at(0), end_time: null, root_node_ids: [], artifacts: [], nodes, states } as never;
}

const none = new Map();
const closed = new Set<string>();

describe("what is known of a run", () => {
  it("is in the order in which it began", () => {
    expect(grown(undefined, graph(node("b", 2, null), node("a", 1, 3))).bars.map((bar) => bar.id)).toEqual(["a", "b"]);
  });

  it("grows by what has ended or begun since, which is all that is asked for", () => {
    const first = grown(undefined, graph(node("a", 1, 3), node("b", 20, null)));
    expect(first.since).toBe(at(18));
    const parent = { parents: [{ id: "a" }] };
    const then = grown(first, graph(node("b", 20, 30), node("c", 31, null, parent)));
    expect(then.bars.map((bar) => [bar.id, bar.end])).toEqual([["a", 3000], ["b", 30_000], ["c", null]]);
    expect(then.children.get("a")).toEqual(["c"]);
    expect(grown(undefined, graph()).since).toBeUndefined();
  });
});

describe("rows", () => {
  const root = grown(undefined, graph(node("a", 1, 3), node("n", 4, 90, { kind: "flow-run" }), node("z", 95, null)));
  const nested = new Map([["n", grown(undefined, graph(node("m", 5, 6)))]]);
  const open = new Set(["n"]);

  it("have those of a nested run under it when it is open", () => {
    expect(rowsOf(root, none, closed).map((row) => row.bar.id)).toEqual(["a", "n", "z"]);
    expect(rowsOf(root, nested, open).map((row) => [row.bar.id, row.depth])).toEqual([["a", 0], ["n", 0], ["m", 1], ["z", 0]]);
  });

  it("were busy while their own tasks were, and between its tries a task was not", () => {
    const times = (of: ReturnType<typeof busyOf>) => of.map(({ from, to }) => [from, to]);
    expect(times(busyOf(root, nested, closed))).toEqual([[1000, 3000], [4000, 90_000], [95_000, Infinity]]);
    expect(times(busyOf(root, nested, open))).toEqual([[1000, 3000], [5000, 6000], [95_000, Infinity]]);
    const tries = [[1, 2], [60, 61]].map(([start, end]) => ({ start_time: at(start ?? 0), end_time: at(end ?? 0) }));
    const retried = grown(undefined, graph(node("r", 1, 61, { tries })));
    expect(times(busyOf(retried, none, closed))).toEqual([[1000, 2000], [60_000, 61_000]]);
  });

  it("go from the run's beginning until now", () => {
    const rows = rowsOf(root, none, closed);
    expect(wholeOf(rows, null, 200_000)).toEqual({ from: 1000, to: 200_000 });
    expect(wholeOf(rows, { from: 500, to: 900_000 }, 200_000)).toEqual({ from: 500, to: 900_000 });
    expect(wholeOf([], null, 200_000)).toBeNull();
  });
});

it("leads from whom a row took results, and to those who took its own, as far as they are rows", () => {
  const took = (...ids: string[]) => ({ parents: ids.map((id) => ({ id })) });
  const root = grown(undefined, graph(node("a", 1, 2), node("b", 2, 3, took("a", "gone")), node("c", 3, 4, took("b"))));
  const rows = rowsOf(root, none, closed);
  const places = new Map(rows.map((row, at) => [row.bar.id, at]));
  expect(edgesOf(rows, places, [root], 1)).toEqual([{ from: 0, to: 1 }, { from: 1, to: 2 }]);
  expect(edgesOf(rows, places, [root], null)).toEqual([]);
});

it("says what a run did while nothing ran", () => {
  const { periods } = grown(undefined, graph());
  expect(idleWord(periods, { from: 10_000, to: 20_000 })).toBe("idle");
  expect(idleWord(periods, { from: 110_000, to: 120_000 })).toBe("paused");
});
