/** Whose results a task run took, and who took its own. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { TaskRun } from "../api/client";
import { dependents, upstream } from "../api/task-queries";
import { inputsOf } from "../lib/task-runs";
import { duration } from "../lib/time";
import { Card, StateBadge, Table } from "./basics";

/** As many as one request answers. */
const MOST = 200;

interface Row {
  id: string;
  parameter?: string;
  task: TaskRun | undefined;
}

export function Lineage({ task }: { task: TaskRun }) {
  const inputs = inputsOf(task);
  const ids = [...new Set(inputs.map((input) => input.task))].slice(0, MOST);
  const before = useQuery(upstream(ids)).data;
  const after = useQuery(dependents(task.id)).data ?? [];
  const byId = new Map(before?.map((each) => [each.id, each]));
  const took = inputs.slice(0, MOST).map(({ parameter, task: id }) => ({ id: `${parameter} ${id}`, parameter, task: byId.get(id) }));
  if (inputs.length === 0 && after.length === 0) return null;
  return (
    <div className="grid items-start gap-4 md:grid-cols-2">
      <Side title="Took the results of" count={inputs.length} rows={took} none="It took no result of another task." />
      <Side
        title="Its result went into"
        count={after.length}
        rows={after.map((each) => ({ id: each.id, parameter: parameterOf(each, task.id), task: each }))}
        none="No task took its result."
      />
    </div>
  );
}

function parameterOf(task: TaskRun, upstream: string): string {
  return inputsOf(task).find((input) => input.task === upstream)?.parameter ?? "";
}

function Side({ title, count, rows, none }: { title: string; count: number; rows: Row[]; none: string }) {
  return (
    <Card title={count > 0 ? `${title}: ${count}${count > rows.length ? `, of which ${rows.length}` : ""}` : title}>
      {rows.length === 0 ? (
        <p className="text-faint">{none}</p>
      ) : (
        <div className="max-h-72 overflow-auto" tabIndex={0} role="region" aria-label={`${title}, list`}>
          <Table
            label={title}
            rows={rows}
            id={(row) => row.id}
            columns={[
              { title: "State", cell: ({ task }) => <StateBadge type={task?.state_type} name={task?.state_name} /> },
              {
                title: "Task",
                wide: true,
                cell: ({ task }) => task ? <Link to="/task-runs/$id" params={{ id: task.id }}>{task.name}</Link> : "…",
              },
              { title: "As", cell: ({ parameter }) => <code className="text-xs">{parameter}</code> },
              { title: "Took", cell: ({ task }) => duration(task?.total_run_time ?? 0) },
            ]}
          />
        </div>
      )}
    </Card>
  );
}
