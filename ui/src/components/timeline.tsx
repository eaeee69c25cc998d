/** The tasks of a run on a time axis, and how its machine did meanwhile. The list of tasks is its twin. */
import { useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useId, useMemo, useState } from "react";

import { type FlowRun, Refusal } from "../api/client";
import { timeline } from "../api/task-queries";
import { type Axis, axisOf, helps, instantAt, placeOf, type View } from "../lib/axis";
import { busyOf, idleWord, type Known, type Row, rowsOf, wholeOf } from "../lib/graph";
import { hasEnded } from "../lib/states";
import { duration } from "../lib/time";
import { moved, zoomed } from "../lib/timeline";
import { Card, Failure, useNow } from "./basics";
import { RunHost } from "./host-chart";
import { Chart, NOTCH } from "./timeline-chart";

const none: ReadonlyMap<string, Known> = new Map();

export function Timeline({ run }: { run: FlowRun }) {
  const found = useQuery(timeline(run.id, run.state_type));
  const root = found.data;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const nested = useNested(open, root);
  const now = useNow(hasEnded(run.state_type) ? 3_600_000 : 1_000).getTime();
  const rows = useMemo(() => (root ? rowsOf(root, nested, open) : []), [root, nested, open]);
  const busy = useMemo(() => (root ? busyOf(root, nested, open) : []), [root, nested, open]);
  const began = run.start_time ? Date.parse(run.start_time) : null;
  const ended = run.end_time ? Date.parse(run.end_time) : now;
  const bounds = useMemo(
    () => wholeOf(rows, began === null ? null : { from: began, to: ended }, now),
    [rows, began, ended, now],
  );
  const [folds, setFolds] = useState<boolean | null>(null);
  const folded = useMemo(() => bounds && axisOf(bounds, busy, true), [bounds, busy]);
  const axis = useMemo(
    () => (folded && bounds && !(folds ?? helps(folded)) ? axisOf(bounds, [], false) : folded),
    [folded, bounds, folds],
  );
  const toggle = useCallback(
    (row: Row) => setOpen((before) => (before.has(row.bar.id) ? without(before, row.bar.id) : new Set([...before, row.bar.id]))),
    [],
  );
  if (found.error && !root) return <NoTimeline error={found.error} retry={() => void found.refetch()} />;
  if (!axis || !folded || !root) return null;
  return (
    <Card title={`Timeline: ${root.bars.length.toLocaleString()} ${root.bars.length === 1 ? "task" : "tasks"}`}>
      <Axed
        run={run}
        root={root}
        nested={nested}
        rows={rows}
        axis={axis}
        now={now}
        toggle={toggle}
        folding={folded.folds.length > 0 ? { isOn: axis.folds.length > 0, set: setFolds } : null}
      />
    </Card>
  );
}

function NoTimeline({ error, retry }: { error: Error; retry: () => void }) {
  const isTooLarge = error instanceof Refusal && error.status === 400;
  return (
    <Card title="Timeline">
      {isTooLarge ? (
        <p className="text-faint">There are too many tasks to be drawn: more than 10,000. All of them are in the list below.</p>
      ) : (
        <Failure error={error} retry={retry} />
      )}
    </Card>
  );
}

interface AxedProps {
  run: FlowRun;
  root: Known;
  nested: ReadonlyMap<string, Known>;
  rows: readonly Row[];
  axis: Axis;
  now: number;
  toggle: (row: Row) => void;
  folding: { isOn: boolean; set: (isOn: boolean) => void } | null;
}

/** Chart and host figures on one axis, of which one part is in view. */
function Axed({ run, root, nested, rows, axis, now, toggle, folding }: AxedProps) {
  // Kept as instants: they stay where they are while the axis grows or is folded.
  const [chosen, setChosen] = useState<View | null>(null);
  const [looked, setLooked] = useState<Row | null>(null);
  const navigate = useNavigate();
  const help = useId();
  const whole = { from: 0, to: axis.length };
  const shown = chosen ? { from: placeOf(axis, chosen.from), to: placeOf(axis, chosen.to) } : whole;
  const show = (view: View | null) =>
    setChosen(view && { from: instantAt(axis, view.from), to: instantAt(axis, view.to) });
  const goTo = ({ bar }: Row) =>
    void navigate({ to: bar.kind === "flow-run" ? "/runs/$id" : "/task-runs/$id", params: { id: bar.id } });
  const all = useMemo(() => [root, ...nested.values()], [root, nested]);
  const word = useCallback((gap: View) => idleWord(root.periods, gap), [root]);
  const acts = [
    ["+", "Zoom in", () => show(zoomed(shown, whole, 1 / NOTCH ** 2, 0.5))],
    ["−", "Zoom out", () => show(zoomed(shown, whole, NOTCH ** 2, 0.5))],
    ["◂", "Earlier", () => show(moved(shown, whole, -0.5 * (shown.to - shown.from)))],
    ["▸", "Later", () => show(moved(shown, whole, 0.5 * (shown.to - shown.from)))],
    ["All", "Show all", () => show(null)],
  ] as const;
  return (
    <div className="flex flex-col gap-2">
      {rows.length > 0 && (
        <>
          <div className="flex min-h-7 flex-wrap items-center gap-x-4 gap-y-1">
            <span role="group" aria-label="Zoom" className="flex">
              {acts.map(([sign, name, act]) => (
                <button key={name} type="button" aria-label={name} title={name} onClick={act} className="-ml-px min-w-8 cursor-pointer border border-line bg-surface px-2 py-0.5 first:ml-0 first:rounded-l last:rounded-r hover:bg-raised">
                  {sign}
                </button>
              ))}
            </span>
            {folding && (
              <label className="flex items-center gap-2">
                <input type="checkbox" checked={folding.isOn} onChange={() => folding.set(!folding.isOn)} />
                Fold idle time
              </label>
            )}
            <span id={help} className="text-xs text-faint">
              Ctrl and the wheel or <kbd>+</kbd> <kbd>−</kbd> <kbd>0</kbd> zoom, arrows move, <kbd>Enter</kbd> opens
              {rows.some((row) => row.bar.kind === "flow-run") && (
                <>
                  , <kbd>Space</kbd> unfolds a nested run
                </>
              )}
              .
            </span>
          </div>
          <Chart
            rows={rows}
            known={all}
            axis={axis}
            shown={shown}
            now={now}
            word={word}
            label={`When each of ${root.bars.length} tasks ran. The table of tasks says the same in words.`}
            describedBy={help}
            show={show}
            point={setLooked}
            open={goTo}
            toggle={toggle}
          />
          <Readout row={looked} known={all} nested={nested} now={now} from={axis.times[0] ?? 0} />
        </>
      )}
      <RunHost run={run} axis={axis} view={shown} />
    </div>
  );
}

/** What is under the pointer, or chosen by keys. */
function Readout(props: { row: Row | null; known: readonly Known[]; nested: ReadonlyMap<string, Known>; now: number; from: number }) {
  const { row, known, nested, now, from } = props;
  const bar = row?.bar;
  const within = row?.isOpen ? nested.get(row.bar.id) : undefined;
  const dependents = bar ? (known.find((each) => each.byId.has(bar.id))?.children.get(bar.id)?.length ?? 0) : 0;
  return (
    <output className="flex min-h-5 flex-wrap gap-x-4 text-xs">
      {bar && (
        <>
          <strong className="font-semibold">{bar.name}</strong>
          <span>{bar.state.toLowerCase()}</span>
          <span>{duration(((bar.end ?? now) - bar.start) / 1000)}</span>
          <span className="text-faint">began {duration((bar.start - from) / 1000)} after the run</span>
          {bar.tries.length > 0 && <span>{bar.tries.length} tries</span>}
          {within && <span>its {within.bars.length} tasks below</span>}
          {bar.parents.length > 0 && <span className="text-faint">took results of {bar.parents.length}</span>}
          {dependents > 0 && <span className="text-faint">{dependents} took its result</span>}
        </>
      )}
    </output>
  );
}

/** What ran in the nested runs that are open. */
function useNested(open: ReadonlySet<string>, root: Known | undefined): ReadonlyMap<string, Known> {
  const ids = [...open];
  const combine = useCallback(
    (found: UseQueryResult<Known>[]) => {
      const known = found.flatMap(({ data }, at): [string, Known][] => (data ? [[[...open][at] ?? "", data]] : []));
      return known.length > 0 ? new Map(known) : none;
    },
    [open],
  );
  return useQueries({ queries: ids.map((id) => timeline(id, root?.byId.get(id)?.state)), combine });
}

function without(all: ReadonlySet<string>, one: string): ReadonlySet<string> {
  const rest = new Set(all);
  rest.delete(one);
  return rest;
}
