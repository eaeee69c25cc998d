/** One deployment: when it runs and with what, what ran, its versions, and a run at the press of a button. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";

import { api, type Deployment as DeploymentRow, good } from "../api/client";
import * as ask from "../api/place-queries";
import { useAct } from "../components/act";
import { Button, Card, Command, Failure, Loading, useTitle, When } from "../components/basics";
import { DeploymentForm } from "../components/deployment-form";
import { DeploymentStatus, Facts } from "../components/places";
import { RunForm } from "../components/run-form";
import { RunDays, RunLines } from "../components/run-lines";
import { Schedules } from "../components/schedules";
import { Versions } from "../components/versions";
import { begun } from "../lib/waiting";

export function Deployment() {
  const { id } = useParams({ from: "/app/deployments/$id" });
  const found = useQuery(ask.deployment(id));
  const flow = useQuery({ ...ask.flow(found.data?.flow_id ?? ""), enabled: found.data !== undefined });
  const name = found.data && `${flow.data?.name ?? "…"}/${found.data.name}`;
  useTitle(name ?? "Deployment");
  const [opened, open] = useState<"run" | "edit" | "versions" | null>(null);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data || !name) return <Loading what="the deployment" />;
  const deployment = found.data;
  const own = { flow_runs: { deployment_id: { any_: [id] } } };
  const close = () => open(null);
  return (
    <div className="flex flex-col gap-4">
      <Header deployment={deployment} flow={flow.data?.name} open={open} />
      {opened === "run" && <RunForm deployment={deployment} close={close} />}
      {opened === "edit" && <DeploymentForm deployment={deployment} close={close} />}
      {opened === "versions" && <Versions deployment={deployment} close={close} />}
      <About deployment={deployment} name={name} />
      <Card title="Schedules">
        <Schedules deployment={deployment} />
      </Card>
      <Card title="Runs of the last 14 days">
        <RunDays filter={own} search={{ deployment: deployment.name, flow: flow.data?.name }} />
      </Card>
      <div className="grid gap-4 lg:grid-cols-2">
        <Card title="Last runs">
          <RunLines
            label="Last runs"
            filter={{ flow_runs: { ...own.flow_runs, ...begun() } }}
            none="It has not run yet."
          />
        </Card>
        <Card title="Next runs">
          <RunLines
            label="Next runs"
            filter={{ flow_runs: { ...own.flow_runs, state: { type: { any_: ["SCHEDULED"] } } } }}
            sort="NEXT_SCHEDULED_START_TIME_ASC"
            none="None is planned."
          />
        </Card>
      </div>
    </div>
  );
}

function Header(props: {
  deployment: DeploymentRow;
  flow?: string;
  open: (what: "run" | "edit" | "versions") => void;
}) {
  const { deployment, flow, open } = props;
  const path = { params: { path: { deployment_id: deployment.id } } };
  const toggle = useAct(() =>
    deployment.paused
      ? good(api.POST("/api/deployments/{deployment_id}/resume_deployment", path))
      : good(api.POST("/api/deployments/{deployment_id}/pause_deployment", path)),
  );
  return (
    <header className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-4">
        <h1 className="text-lg font-semibold">
          <Link to="/flows/$id" params={{ id: deployment.flow_id }}>
            {flow ?? "…"}
          </Link>
          /{deployment.name}
        </h1>
        <DeploymentStatus deployment={deployment} />
        <span className="ml-auto flex flex-wrap gap-2">
          <Button onClick={() => open("run")}>Run</Button>
          <Button disabled={toggle.isPending} onClick={() => toggle.mutate(undefined)}>
            {deployment.paused ? "Resume" : "Pause"}
          </Button>
          <Button onClick={() => open("edit")}>Edit</Button>
          <Button onClick={() => open("versions")}>Versions</Button>
        </span>
      </div>
      {deployment.description && <p className="whitespace-pre-wrap">{deployment.description}</p>}
      {toggle.error && <Failure error={toggle.error} />}
    </header>
  );
}

const COLLISIONS = { ENQUEUE: "others wait", CANCEL_NEW: "others are cancelled" } as const;

function About({ deployment, name }: { deployment: DeploymentRow; name: string }) {
  const pool = deployment.work_pool_name;
  const collision = deployment.concurrency_options?.collision_strategy ?? "ENQUEUE";
  const limit = deployment.concurrency_limit;
  const parameters = Object.entries(deployment.parameters ?? {});
  return (
    <Card>
      <div className="flex flex-col gap-3">
        <Facts
          facts={[
            ["Work pool", pool ? <Link to="/pools/$name" params={{ name: pool }}>{pool}</Link> : "none: a process serves it"],
            ["Queue", deployment.work_queue_name ?? "–"],
            ["At once", limit == null ? "no limit" : `${limit}, ${COLLISIONS[collision]}`],
            ["Tags", deployment.tags?.join(", ") || "–"],
            ["Version", [deployment.version_number && `number ${deployment.version_number}`, deployment.version].filter(Boolean).join(", ") || "–"],
            ["Starts", <code className="text-xs">{deployment.entrypoint ?? "–"}</code>],
            ["Changed", <When at={deployment.updated} />],
          ]}
        />
        {parameters.length > 0 && (
          <dl aria-label="Parameters" className="flex flex-wrap gap-x-6 gap-y-1">
            {parameters.map(([key, value]) => (
              <div key={key} className="flex gap-2">
                <dt className="text-faint">{key}</dt>
                <dd className="font-mono text-xs leading-5">{JSON.stringify(value)}</dd>
              </div>
            ))}
          </dl>
        )}
        <span>
          <Command text={`runwright deployment run ${name} --watch`} />
        </span>
      </div>
    </Card>
  );
}
