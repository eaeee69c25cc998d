/** One run: how it stands, why it failed, what it did. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import { api, type FlowRun, good } from "../api/client";
import * as ask from "../api/queries";
import { Artifacts } from "../components/artifacts";
import { Button, Card, Command, Failure, Loading, StateBadge, useIcon, useNow, useTitle, When } from "../components/basics";
import { Logs } from "../components/logs";
import { Tasks } from "../components/tasks";
import { Timeline } from "../components/timeline";
import { plain } from "../lib/ansi";
import { hasEnded, lookOf } from "../lib/states";
import { duration } from "../lib/time";
import { Waiting } from "./waiting";

export function Run() {
  const { id } = useParams({ from: "/app/runs/$id" });
  const found = useQuery(ask.run(id));
  const run = found.data;
  useTitle(run ? `${lookOf(run.state_type).shape} ${run.name}` : "Run");
  useIcon(run?.state_type);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!run) return <Loading what="the run" />;
  return (
    <div className="flex flex-col gap-4">
      <Header run={run} />
      <Attempts run={run} />
      {run.state_type === "CRASHED" && <Crash run={run} />}
      {run.state_type === "SCHEDULED" && <Waiting run={run} />}
      <Card title="Logs">
        <Logs run={run} />
      </Card>
      <Artifacts run={run.id} />
      <Timeline run={run} />
      <Tasks run={run} />
      <History run={run} />
      <Card title="Parameters">
        <pre className="overflow-x-auto text-xs">{JSON.stringify(run.parameters ?? {}, null, 2)}</pre>
      </Card>
    </div>
  );
}

function Header({ run }: { run: FlowRun }) {
  const now = useNow(1_000);
  const isLive = run.state_type === "RUNNING";
  const since = run.start_time ? (now.getTime() - new Date(run.start_time).getTime()) / 1000 : 0;
  return (
    <header className="flex flex-wrap items-center gap-4">
      <h1 className="text-lg font-semibold">{run.name}</h1>
      <StateBadge type={run.state_type} name={run.state_name} />
      <span className="text-faint">
        <When at={run.start_time ?? run.expected_start_time} />
        {run.start_time && `, ${duration(isLive ? since : (run.total_run_time ?? 0))}`}
      </span>
      {run.work_pool_name && <span className="text-faint">pool {run.work_pool_name}</span>}
      {run.worker_name && <span className="text-faint">worker {run.worker_name}</span>}
      {run.image && (
        <span className="text-faint" title={run.image_digest ?? undefined}>
          image {run.image}
        </span>
      )}
      <Actions run={run} />
    </header>
  );
}

function Actions({ run }: { run: FlowRun }) {
  const queries = useQueryClient();
  const path = { params: { path: { run_id: run.id } } };
  const done = () => queries.invalidateQueries();
  const cancel = useMutation({
    mutationFn: () =>
      good(
        api.POST("/api/flow_runs/{run_id}/set_state", {
          ...path,
          body: { state: { type: "CANCELLING" } },
        }),
      ),
    onSettled: done,
  });
  const again = useMutation({
    mutationFn: () => good(api.POST("/api/flow_runs/{run_id}/rerun", path)),
    onSettled: done,
  });
  const resume = useMutation({
    mutationFn: () => good(api.POST("/api/flow_runs/{run_id}/resume", { ...path, body: null })),
    onSettled: done,
  });
  const failed = cancel.error ?? again.error ?? resume.error;
  return (
    <span className="ml-auto flex flex-wrap items-center gap-2">
      {run.state_type === "PAUSED" && (
        <Button disabled={resume.isPending} onClick={() => resume.mutate()}>
          Resume
        </Button>
      )}
      {!hasEnded(run.state_type) && (
        <Button danger disabled={cancel.isPending} onClick={() => cancel.mutate()}>
          Cancel
        </Button>
      )}
      {hasEnded(run.state_type) && run.deployment_id && (
        <Button disabled={again.isPending} onClick={() => again.mutate()}>
          Run again
        </Button>
      )}
      {again.data && (
        <Link to="/runs/$id" params={{ id: again.data.id }}>
          {again.data.name}, attempt {again.data.attempt}
        </Link>
      )}
      <Command text={`runwright flow-run inspect ${run.id}`} />
      {failed && <Failure error={failed} />}
    </span>
  );
}

function Attempts({ run }: { run: FlowRun }) {
  const found = useQuery(ask.attempts(run.root_run_id));
  if (!found.data || found.data.length < 2) return null;
  return (
    <nav aria-label="Attempts" className="flex flex-wrap items-center gap-3">
      {found.data.map((each, index) => (
        <span key={each.id} className="flex items-center gap-3">
          {index > 0 && <span aria-hidden="true">→</span>}
          <Link
            to="/runs/$id"
            params={{ id: each.id }}
            aria-current={each.id === run.id ? "page" : undefined}
            className={each.id === run.id ? "font-semibold" : ""}
          >
            attempt {each.attempt}
          </Link>
          <StateBadge type={each.state_type} name={each.state_name} />
        </span>
      ))}
    </nav>
  );
}

interface ExitReport {
  exit_code?: number;
  signal?: number;
  oom_killed?: boolean;
  peak_memory_bytes?: number;
  memory_limit_bytes?: number;
  last_lines?: string[];
}

/** Why the process is gone, as far as anybody knows. */
function Crash({ run }: { run: FlowRun }) {
  const report = (run.exit_report ?? {}) as ExitReport;
  const facts: [string, string | undefined][] = [
    ["Exit code", report.exit_code?.toString()],
    ["Signal", report.signal?.toString()],
    ["Memory", report.oom_killed ? "ran out" : undefined],
    ["Peak", mebibytes(report.peak_memory_bytes)],
    ["Limit", mebibytes(report.memory_limit_bytes)],
  ];
  return (
    <Card title="Why it crashed">
      <p className="mb-2">{run.state?.message ?? "Nobody said."}</p>
      <dl className="flex flex-wrap gap-x-6 gap-y-1">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name} className="flex gap-2">
                <dt className="text-faint">{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      {report.last_lines && report.last_lines.length > 0 && (
        <pre aria-label="Last lines" className="mt-3 max-h-64 overflow-auto rounded border border-line bg-surface p-2 text-xs">
          {plain(report.last_lines.join("\n"))}
        </pre>
      )}
    </Card>
  );
}

function mebibytes(bytes: number | undefined): string | undefined {
  return bytes === undefined || bytes === null ? undefined : `${Math.round(bytes / 2 ** 20)} MiB`;
}

function History({ run }: { run: FlowRun }) {
  const found = useQuery(ask.states(run.id));
  if (!found.data) return null;
  return (
    <Card title="States">
      <ol className="flex flex-col gap-1">
        {found.data.map((state) => (
          <li key={state.id} className="flex gap-4">
            <StateBadge type={state.type} name={state.name} />
            <When at={state.timestamp} />
            <span className="text-faint">{state.message}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}
