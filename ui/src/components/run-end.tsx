/** Why a run ended badly, and what to do: the first thing to be read on its page. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { FlowRun } from "../api/client";
import * as places from "../api/place-queries";
import * as ask from "../api/queries";
import { plain } from "../lib/ansi";
import { quoted } from "../lib/commands";
import { type Crash, crashOf, size } from "../lib/crash";
import type { Advice } from "../lib/crash-causes";
import { Card, Command, When } from "./basics";

const LAST = 10;
const ERROR = 40;
/** Of a traceback the end says most. */
const SHOWN_LINES = 20;

export function CrashCard({ run }: { run: FlowRun }) {
  const crash = crashOf(run);
  return (
    <Card title="Why it crashed">
      <div className="flex flex-col gap-3">
        <p>
          <strong className="text-warn">{crash.headline}.</strong> {sentence(crash.explanation)}
        </p>
        {run.state?.message && <p className="text-faint wrap-anywhere">{run.state.message}</p>}
        <Facts run={run} crash={crash} />
        {crash.memory && <Memory {...crash.memory} />}
        <ToDo run={run} advice={crash.advice} />
        {crash.lastLines.length > 0 ? (
          <Lines title="Last lines of its output" text={crash.lastLines.join("\n")} />
        ) : (
          <LastOfLog run={run} />
        )}
      </div>
    </Card>
  );
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function Facts({ run, crash }: { run: FlowRun; crash: Crash }) {
  return (
    <dl className="flex flex-wrap gap-x-6 gap-y-1">
      {crash.facts.map(([name, value]) => (
        <div key={name} className="flex gap-2">
          <dt className="text-faint">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
      {crash.heardAt && (
        <div className="flex gap-2">
          <dt className="text-faint">Last heard of</dt>
          <dd>
            <When at={crash.heardAt.toISOString()} />
          </dd>
        </div>
      )}
      <div className="flex gap-2">
        <dt className="text-faint">Ended</dt>
        <dd>
          <When at={run.end_time} />
        </dd>
      </div>
    </dl>
  );
}

function Memory({ limit, peak = limit }: { limit: number; peak?: number }) {
  return (
    <span className="flex flex-wrap items-center gap-3">
      <meter min={0} max={limit} value={Math.min(peak, limit)} high={limit * 0.9} optimum={0} aria-label="Peak memory of the limit" className="w-64" />
      {size(peak)} of {size(limit)}
    </span>
  );
}

function ToDo({ run, advice }: { run: FlowRun; advice: Advice[] }) {
  const flow = useQuery(places.flow(run.flow_id)).data;
  const deployment = useQuery(places.deployment(run.deployment_id)).data;
  const names: Record<string, string | null | undefined> = {
    "FLOW/NAME": flow && deployment && `${flow.name}/${deployment.name}`,
    POOL: run.work_pool_name,
    IMAGE: run.image,
  };
  const whole = (command: string) =>
    command.replace(/FLOW\/NAME|POOL|IMAGE/g, (word) => (names[word] ? quoted(names[word]) : word));
  return (
    <section aria-label="What to do">
      <h3 className="mb-1 font-semibold">What to do</h3>
      <ul className="flex flex-col gap-2">
        {advice.map((each) => (
          <li key={each.text} className="flex flex-wrap items-center gap-x-3 gap-y-1">
            {each.text}
            {each.link === "pool" && run.work_pool_name && <Link to="/pools">Work pool {run.work_pool_name}</Link>}
            {each.link === "parent" && run.parent_flow_run_id && (
              <Link to="/runs/$id" params={{ id: run.parent_flow_run_id }}>
                The parent run
              </Link>
            )}
            {each.command && <Command text={whole(each.command)} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function LastOfLog({ run }: { run: FlowRun }) {
  const found = useQuery(ask.lastLines(run.id, 0, LAST)).data;
  if (!found || found.length === 0) return null;
  const text = found.map((line) => line.message).reverse();
  return <Lines title="Last lines of its log" text={text.join("\n")} />;
}

export function FailureCard({ run }: { run: FlowRun }) {
  const last = useQuery(ask.lastLines(run.id, ERROR, LAST)).data;
  // The one with a traceback says more than that the run has failed.
  const telling = last?.find((line) => line.message.includes("\n")) ?? last?.[0];
  return (
    <Card title="Why it failed">
      <div className="flex flex-col gap-3">
        <p tabIndex={0} className="max-h-60 overflow-auto text-bad wrap-anywhere whitespace-pre-wrap">
          {run.state?.message || "Nobody said why."}
        </p>
        {telling && (
          <>
            <Lines title="The error in its log" text={telling.message} />
            <Link to="." hash={`log-${telling.id}`} replace resetScroll={false}>
              Show it in the log
            </Link>
          </>
        )}
        {last?.length === 0 && <p className="text-faint">No error was logged. Its states below say what the control plane knows.</p>}
      </div>
    </Card>
  );
}

function Lines({ title, text }: { title: string; text: string }) {
  const lines = plain(text).split("\n");
  return (
    <figure>
      <figcaption className="mb-1 text-xs font-medium text-faint">{title}</figcaption>
      <pre
        aria-label={title}
        tabIndex={0}
        className="max-h-80 overflow-auto rounded border border-line bg-surface p-2 font-mono text-xs"
      >
        {lines.length > SHOWN_LINES && "…\n"}
        {lines.slice(-SHOWN_LINES).join("\n")}
      </pre>
    </figure>
  );
}
