/** One task run: how it stands and why, its tries, what it took and who took its result. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";

import { type FlowRun, Refusal, type TaskRun } from "../api/client";
import * as ask from "../api/queries";
import { nestedRun, task as taskOf, taskStates } from "../api/task-queries";
import { Artifacts } from "../components/artifacts";
import { Card, Empty, Failure, Loading, StateBadge, Table, useIcon, useNow, useTitle, When } from "../components/basics";
import { Lineage } from "../components/lineage";
import { Logs } from "../components/logs";
import { hasEnded, lookOf } from "../lib/states";
import { callerOf, resultOf, triesOf } from "../lib/task-runs";
import { duration } from "../lib/time";

export function TaskRunScreen() {
  const { id } = useParams({ from: "/app/task-runs/$id" });
  const found = useQuery(taskOf(id));
  const task = found.data;
  const run = useQuery({ ...ask.run(task?.flow_run_id ?? ""), enabled: task?.flow_run_id != null }).data;
  useTitle(task ? `${lookOf(task.state_type).shape} ${task.name}` : "Task run");
  useIcon(task?.state_type);
  if (found.error && !task) return <NoTask error={found.error} retry={() => void found.refetch()} />;
  if (!task) return <Loading what="the task run" />;
  return (
    <div className="flex flex-col gap-4">
      <Header task={task} run={run} />
      <Facts task={task} />
      <Tries task={task} />
      <Lineage task={task} />
      {run && (
        <Card title="Logs">
          <Logs run={run} task={task.id} />
        </Card>
      )}
      {run && <Artifacts run={run.id} task={task.id} />}
    </div>
  );
}

function NoTask({ error, retry }: { error: Error; retry: () => void }) {
  const isGone = error instanceof Refusal && error.status === 404;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Task run</h1>
      {isGone ? (
        <Empty>
          {error.message} It may have been deleted with its run. <Link to="/runs">All runs</Link>
        </Empty>
      ) : (
        <Failure error={error} retry={retry} />
      )}
    </div>
  );
}

function Header({ task, run }: { task: TaskRun; run: FlowRun | undefined }) {
  const message = task.state?.message;
  const isBad = task.state_type === "FAILED" || task.state_type === "CRASHED";
  return (
    <header className="flex flex-col gap-2">
      {run && (
        <nav aria-label="Flow run" className="flex items-center gap-2 text-faint">
          <Link to="/runs" className="text-faint">
            Runs
          </Link>
          <span aria-hidden="true">/</span>
          <Link to="/runs/$id" params={{ id: run.id }}>
            {run.name}
          </Link>
          <StateBadge type={run.state_type} name={run.state_name} />
        </nav>
      )}
      <div className="flex flex-wrap items-center gap-4">
        <h1 className="text-lg font-semibold">{task.name}</h1>
        <StateBadge type={task.state_type} name={task.state_name} />
        <span className="text-faint">
          <When at={task.start_time ?? task.expected_start_time} />
        </span>
      </div>
      {message && (
        <p className={`rounded border px-3 py-2 whitespace-pre-wrap wrap-anywhere ${isBad ? "border-bad" : "border-line text-faint"}`}>{message}</p>
      )}
    </header>
  );
}

function Facts({ task }: { task: TaskRun }) {
  const now = useNow(1_000);
  const nested = useQuery(nestedRun(task.id)).data;
  const isRunning = task.state_type === "RUNNING";
  const since = task.state?.timestamp ? (now.getTime() - Date.parse(task.state.timestamp)) / 1000 : 0;
  const result = resultOf(task.state?.data);
  const retries = task.empirical_policy?.["max_retries"] ?? task.empirical_policy?.["retries"];
  const caller = callerOf(task);
  const facts: [string, ReactNode][] = [
    ["Ran for", duration((task.total_run_time ?? 0) + (isRunning ? Math.max(0, since) : 0))],
    ["Tries", `${task.run_count ?? 0}${typeof retries === "number" ? ` of ${retries + 1}` : ""}`],
    ["Began", task.start_time && <When at={task.start_time} />],
    ["Ended", task.end_time && <When at={task.end_time} />],
    ["Tries again", !hasEnded(task.state_type) && task.next_scheduled_start_time && <When at={task.next_scheduled_start_time} />],
    ["Task", <code key="key">{task.task_key}</code>],
    ["Version", task.task_version],
    ["Tags", task.tags && task.tags.length > 0 && task.tags.join(", ")],
    ["Nested run", nested && <Link to="/runs/$id" params={{ id: nested.id }}>{nested.name}</Link>],
    ["Called in", caller && <Link to="/task-runs/$id" params={{ id: caller }}>another task</Link>],
    ["Cache key", task.cache_key && <code>{task.cache_key}</code>],
    ["Cached until", task.cache_expiration && <When at={task.cache_expiration} />],
    ["Result", result && <code>{result.key}</code>],
    ["Kept in", result?.storage && <code>{result.storage}</code>],
    ["Size", result && result.bytes !== null && `${result.bytes.toLocaleString()} bytes`],
    ["Kept until", result?.expires && <When at={result.expires} />],
  ];
  return (
    <Card>
      <dl className="grid grid-cols-[repeat(auto-fill,minmax(13rem,1fr))] gap-x-6 gap-y-2">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name} className="min-w-0">
                <dt className="text-xs text-faint">{name}</dt>
                <dd className="wrap-anywhere">{value}</dd>
              </div>
            ),
        )}
      </dl>
    </Card>
  );
}

function Tries({ task }: { task: TaskRun }) {
  const states = useQuery(taskStates(task.id)).data;
  if (!states) return null;
  const tries = triesOf(states);
  return (
    <>
      {tries.length > 1 && (
        <Card title="Tries">
          <Table
            label="Tries"
            rows={tries}
            id={(each) => `${each.number}`}
            columns={[
              { title: "Try", cell: (each) => each.number },
              { title: "Came to", cell: (each) => <StateBadge type={each.outcome?.type ?? "RUNNING"} name={each.outcome?.name ?? "Running"} /> },
              { title: "Began", cell: (each) => <When at={each.start} /> },
              { title: "Waited", cell: (each) => (each.waited === null ? "" : duration(each.waited)) },
              { title: "Took", cell: (each) => (each.seconds === null ? "" : duration(each.seconds)) },
              { title: "Message", wide: true, cell: (each) => <span className="text-faint">{each.outcome?.message}</span> },
            ]}
          />
        </Card>
      )}
      <Card title="States">
        <ol className="grid grid-cols-[max-content_max-content_1fr] gap-x-6 gap-y-1">
          {states.map((state) => (
            <li key={state.id} className="contents">
              <StateBadge type={state.type} name={state.name} />
              <When at={state.timestamp} />
              <span className="min-w-0 text-faint wrap-anywhere">{state.message}</span>
            </li>
          ))}
        </ol>
      </Card>
    </>
  );
}
