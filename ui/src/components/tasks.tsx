/** All task runs of a flow run, in words: what the timeline shows. */
import { useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useRef, useState } from "react";

import type { FlowRun, StateType, TaskRun } from "../api/client";
import { taskCounts, taskPage, TASKS_PAGE } from "../api/task-queries";
import { type Count, inOrder, pagesOf, type Sort, SORTS, type TaskSearch, totalOf } from "../lib/task-search";
import { duration } from "../lib/time";
import { Card, Failure, StateBadge, When } from "./basics";

const ROW = 33;
const HEAD = 32;
const HEIGHT = 396;
const TITLES = ["State", "Task", "Began", "Took", "Tries", "Message"];

export function Tasks({ run }: { run: FlowRun }) {
  const [name, setName] = useState("");
  const [state, setState] = useState<StateType | null>(null);
  const [sort, setSort] = useState<Sort>("EXPECTED_START_TIME_ASC");
  const found = useQuery(taskCounts(run, name));
  const counts = found.data;
  if (found.error && !counts) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!counts || (counts.length === 0 && name === "")) return null;
  const total = totalOf(counts, state);
  return (
    <Card title={`Tasks: ${totalOf(counts, null).toLocaleString()}`}>
      <div className="flex flex-col gap-2">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <States counts={counts} chosen={state} choose={setState} />
          <label className="ml-auto flex items-center gap-2">
            Task
            <input type="search" value={name} onChange={(event) => setName(event.target.value)} className="w-40 rounded border border-line bg-surface px-2 py-0.5" />
          </label>
          <label className="flex items-center gap-2">
            Order
            <select value={sort} onChange={(event) => setSort(event.target.value as Sort)} className="rounded border border-line bg-surface px-2 py-1">
              {Object.entries(SORTS).map(([value, words]) => (
                <option key={value} value={value}>
                  {words}
                </option>
              ))}
            </select>
          </label>
        </div>
        {total === 0 ? (
          <p className="p-2 text-faint">No task is like this.</p>
        ) : (
          <Rows key={`${name} ${state} ${sort}`} run={run} search={{ name, state, sort }} total={total} />
        )}
      </div>
    </Card>
  );
}

function States({ counts, chosen, choose }: { counts: Count[]; chosen: StateType | null; choose: (state: StateType | null) => void }) {
  const shape = (isChosen: boolean) =>
    `cursor-pointer rounded border px-2 py-0.5 ${isChosen ? "border-link bg-surface font-semibold" : "border-line bg-surface hover:bg-raised"}`;
  return (
    <span role="group" aria-label="State" className="flex flex-wrap gap-1">
      <button type="button" aria-pressed={chosen === null} onClick={() => choose(null)} className={shape(chosen === null)}>
        All {totalOf(counts, null).toLocaleString()}
      </button>
      {inOrder(counts).map(({ state_type, count }) => (
        <button key={state_type} type="button" aria-pressed={chosen === state_type} onClick={() => choose(chosen === state_type ? null : state_type)} className={shape(chosen === state_type)}>
          <StateBadge type={state_type} /> {count.toLocaleString()}
        </button>
      ))}
    </span>
  );
}

/** The rows in view, whose pages are fetched as they come into view. */
function Rows({ run, search, total }: { run: FlowRun; search: TaskSearch; total: number }) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const shown = rows.getVirtualItems();
  const [first, last] = [shown[0]?.index ?? 0, shown.at(-1)?.index ?? -1];
  const tasks = usePages(run, search, pagesOf(first, last, TASKS_PAGE));
  const [above, below] = [shown[0]?.start ?? 0, rows.getTotalSize() - (shown.at(-1)?.end ?? 0)];
  return (
    <div ref={box} tabIndex={0} role="region" aria-label="List of tasks" className="overflow-auto rounded border border-line bg-surface" style={{ height: Math.min(HEIGHT, total * ROW + HEAD + 2) }}>
      <table aria-label="Tasks" aria-rowcount={total + 1} className="w-full border-collapse text-left">
        <thead className="sticky top-0 bg-surface shadow-[0_1px_0_var(--line)]">
          <tr aria-rowindex={1} className="text-xs text-faint" style={{ height: HEAD }}>
            {TITLES.map((title) => (
              <th key={title} scope="col" className="px-2 font-medium">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap height={above} />
          {shown.map((row) => (
            <TaskRow key={row.key} at={row.index} task={tasks.get(row.index)} />
          ))}
          <Gap height={below} />
        </tbody>
      </table>
    </div>
  );
}

/** In place of the rows that are not drawn. */
function Gap({ height }: { height: number }) {
  return height > 0 ? (
    <tr aria-hidden="true">
      <td colSpan={TITLES.length} style={{ height, padding: 0 }} />
    </tr>
  ) : null;
}

function TaskRow({ at, task }: { at: number; task: TaskRun | undefined }) {
  const message = task?.state?.message ?? "";
  return (
    <tr aria-rowindex={at + 2} className="border-t border-line whitespace-nowrap hover:bg-raised" style={{ height: ROW }}>
      {task ? (
        <>
          <td className="px-2">
            <StateBadge type={task.state_type} name={task.state_name} />
          </td>
          <td className="px-2">
            <Link to="/task-runs/$id" params={{ id: task.id }}>
              {task.name}
            </Link>
          </td>
          <td className="px-2">
            <When at={task.start_time} />
          </td>
          <td className="px-2">{duration(task.estimated_run_time ?? 0)}</td>
          <td className="px-2">{task.run_count}</td>
          <td className="w-full max-w-0 truncate px-2 text-faint" title={message}>
            {message}
          </td>
        </>
      ) : (
        <td className="px-2 text-faint" colSpan={TITLES.length}>
          …
        </td>
      )}
    </tr>
  );
}

/** The tasks on these pages that are there by now, by their place in the list. */
function usePages(run: FlowRun, search: TaskSearch, pages: number[]): ReadonlyMap<number, TaskRun> {
  const wanted = pages.join();
  const combine = useCallback(
    (found: UseQueryResult<TaskRun[]>[]) => {
      const numbers = wanted === "" ? [] : wanted.split(",").map(Number);
      const tasks = new Map<number, TaskRun>();
      found.forEach(({ data }, at) => data?.forEach((task, row) => tasks.set((numbers[at] ?? 0) * TASKS_PAGE + row, task)));
      return tasks;
    },
    [wanted],
  );
  return useQueries({ queries: pages.map((page) => taskPage(run, search, page)), combine });
}
