/** One run: how it stands, why it failed, what it did. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import { type FlowRun, Refusal } from "../api/client";
import * as ask from "../api/queries";
import { Artifacts } from "../components/artifacts";
import { Button, Card, Empty, Failure, Loading, StateBadge, useCopy, useIcon, useTitle, When } from "../components/basics";
import { Logs } from "../components/logs";
import { CrashCard, FailureCard } from "../components/run-end";
import { RunHeader } from "../components/run-header";
import { Tasks } from "../components/tasks";
import { Timeline } from "../components/timeline";
import { lookOf } from "../lib/states";
import { Waiting } from "./waiting";

export function Run() {
  const { id } = useParams({ from: "/app/runs/$id" });
  const found = useQuery(ask.run(id));
  const run = found.data;
  useTitle(run ? `${lookOf(run.state_type).shape} ${run.name}` : "Run");
  useIcon(run?.state_type);
  // What is known stays on the screen while the server is away.
  if (found.error && !run) return <NoRun error={found.error} retry={() => void found.refetch()} />;
  if (!run) return <Loading what="the run" />;
  return (
    <div className="flex flex-col gap-4">
      <RunHeader run={run} />
      <Attempts run={run} />
      {run.state_type === "CRASHED" && <CrashCard run={run} />}
      {run.state_type === "FAILED" && <FailureCard run={run} />}
      {run.state_type === "SCHEDULED" && <Waiting run={run} />}
      <Card title="Logs">
        <Logs run={run} />
      </Card>
      <Artifacts run={run.id} />
      <Timeline run={run} />
      <Tasks run={run} />
      <History run={run} />
      <Parameters run={run} />
    </div>
  );
}

function NoRun({ error, retry }: { error: Error; retry: () => void }) {
  const isGone = error instanceof Refusal && error.status === 404;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Run</h1>
      {isGone ? (
        <Empty>
          {error.message} It may have been deleted, or be of another server. <Link to="/runs">All runs</Link>
        </Empty>
      ) : (
        <Failure error={error} retry={retry} />
      )}
    </div>
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

const MOST_WORDS = 500;

function shortened(message: string | null | undefined): string {
  return message && message.length > MOST_WORDS ? `${message.slice(0, MOST_WORDS)} …` : (message ?? "");
}

function History({ run }: { run: FlowRun }) {
  const found = useQuery(ask.states(run.id));
  if (!found.data) return found.error && <Failure error={found.error} retry={() => void found.refetch()} />;
  return (
    <Card title="States">
      <ol className="flex flex-col gap-1">
        {found.data.map((state) => (
          <li key={state.id} className="grid grid-cols-[9rem_10rem_1fr] gap-x-4 max-sm:grid-cols-2">
            <StateBadge type={state.type} name={state.name} />
            <When at={state.timestamp} />
            <span className="min-w-0 whitespace-pre-wrap text-faint wrap-anywhere max-sm:col-span-2">{shortened(state.message)}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

function Parameters({ run }: { run: FlowRun }) {
  const [copied, copy] = useCopy();
  const text = JSON.stringify(run.shown_parameters ?? run.parameters ?? {}, null, 2);
  if (text === "{}") return null;
  return (
    <Card title="Parameters">
      <div className="flex items-start gap-3">
        <pre tabIndex={0} aria-label="Parameters" className="max-h-96 min-w-0 grow overflow-auto font-mono text-xs">
          {text}
        </pre>
        <Button onClick={() => void copy(text)}>{copied ? "Copied" : "Copy"}</Button>
      </div>
    </Card>
  );
}
