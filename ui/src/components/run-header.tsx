/** The head of a run's page: how it stands, what it belongs to, how long it took. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { FlowRun } from "../api/client";
import * as places from "../api/place-queries";
import * as ask from "../api/queries";
import { crashOf } from "../lib/crash";
import { timesOf } from "../lib/run-times";
import { duration } from "../lib/time";
import { StateBadge, useNow, When } from "./basics";
import { Cut } from "./overlays";
import { RunActions } from "./run-actions";

export function RunHeader({ run }: { run: FlowRun }) {
  return (
    <header className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <h1 className="min-w-0 text-lg font-semibold wrap-anywhere">{run.name}</h1>
        <StateBadge type={run.state_type} name={run.state_name} />
        <RunActions run={run} />
      </div>
      <InOneLine run={run} />
      <dl className="flex flex-wrap gap-x-5 gap-y-1">
        <Times run={run} />
        <Origin run={run} />
        <Place run={run} />
      </dl>
    </header>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === null || children === undefined || children === "" || children === false) return null;
  return (
    <div className="flex min-w-0 gap-1.5">
      <dt className="flex-none text-faint">{name}</dt>
      <dd className="min-w-0 max-w-72">{children}</dd>
    </div>
  );
}

/** The cause of a bad end, before anything else is read. */
function InOneLine({ run }: { run: FlowRun }) {
  if (run.state_type !== "FAILED" && run.state_type !== "CRASHED") return null;
  const said = run.state?.message?.split("\n", 1)[0];
  const cause = run.state_type === "CRASHED" ? `${crashOf(run).headline}.` : (said ?? "It failed; nobody said why.");
  return <Cut text={cause} className={run.state_type === "CRASHED" ? "text-warn" : "text-bad"} />;
}

function Times({ run }: { run: FlowRun }) {
  const now = useNow(1_000);
  const { waited, ran, total } = timesOf(run, now);
  const hasBegun = run.start_time != null;
  return (
    <>
      <Fact name={hasBegun ? "Started" : "Due"}>
        <When at={run.start_time ?? run.next_scheduled_start_time ?? run.expected_start_time} />
      </Fact>
      <Fact name="Waited">{waited !== undefined && duration(waited)}</Fact>
      <Fact name={run.end_time ? "Ran" : "Runs for"}>{ran !== undefined && duration(ran)}</Fact>
      <Fact name="In all">{total !== undefined && duration(total)}</Fact>
    </>
  );
}

/** Out of what it came. */
function Origin({ run }: { run: FlowRun }) {
  const flow = useQuery(places.flow(run.flow_id)).data;
  const deployment = useQuery(places.deployment(run.deployment_id)).data;
  const attempts = useQuery(ask.attempts(run.root_run_id)).data?.length ?? 1;
  const most = Math.max(attempts, run.attempt ?? 1, 1 + (run.retries ?? 0));
  return (
    <>
      <Fact name="Attempt">{most > 1 && `${run.attempt ?? 1} of ${most}`}</Fact>
      <Fact name="Flow">
        {flow && (
          <Link to="/flows/$id" params={{ id: flow.id }} className="wrap-anywhere">
            {flow.name}
          </Link>
        )}
      </Fact>
      <Fact name="Deployment">
        {deployment && (
          <Link to="/deployments/$id" params={{ id: deployment.id }} className="wrap-anywhere">
            {deployment.name}
          </Link>
        )}
      </Fact>
      <Fact name="Version">{run.deployment_version_number ?? run.deployment_version}</Fact>
      <Fact name="Parent">
        {run.parent_flow_run_id && (
          <Link to="/runs/$id" params={{ id: run.parent_flow_run_id }}>
            the run that called it
          </Link>
        )}
      </Fact>
      <Fact name="Tags">{run.tags && run.tags.length > 0 && <Tags tags={run.tags} />}</Fact>
      <Fact name="Made by">{makerOf(run)}</Fact>
    </>
  );
}

function Tags({ tags }: { tags: string[] }) {
  return (
    <span className="flex flex-wrap gap-x-2">
      {tags.map((tag) => (
        <Link key={tag} to="/runs" search={{ tag }} className="wrap-anywhere">
          {tag}
        </Link>
      ))}
    </span>
  );
}

/** A schedule, or whose key it was. */
function makerOf(run: FlowRun): ReactNode {
  const { type, display_value: name } = (run.created_by ?? {}) as { type?: string; display_value?: unknown };
  if (type === "SCHEDULE") return "a schedule";
  return typeof name === "string" && name !== "" && <Cut text={`key ${name}`} />;
}

/** Where it runs. */
function Place({ run }: { run: FlowRun }) {
  return (
    <>
      <Fact name="Pool">
        {run.work_pool_name && (
          <Link to="/pools/$name" params={{ name: run.work_pool_name }} className="wrap-anywhere">
            {run.work_pool_name}
          </Link>
        )}
      </Fact>
      <Fact name="Queue">{run.work_queue_name !== "default" && run.work_queue_name}</Fact>
      <Fact name="Worker">{run.worker_name && <Cut text={run.worker_name} />}</Fact>
      <Fact name="Image">{run.image && <Cut text={run.image_digest ?? run.image} />}</Fact>
    </>
  );
}
