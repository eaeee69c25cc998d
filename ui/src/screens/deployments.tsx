/** Deployments, and a run of one at the press of a button. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { api, type Deployment, good } from "../api/client";
import * as ask from "../api/queries";
import { useAct } from "../components/act";
import { Button, Empty, Failure, Loading, Table, useTitle, When } from "../components/basics";
import { DeploymentStatus } from "../components/places";
import { RunForm } from "../components/run-form";
import { Versions } from "../components/versions";
import { inWords } from "../lib/schedules";

export function Deployments() {
  useTitle("Deployments");
  const found = useQuery(ask.deployments);
  const flows = useQuery(ask.flows);
  const [chosen, setChosen] = useState<Deployment | null>(null);
  const [looked, setLooked] = useState<string | null>(null);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="deployments" />;
  const opened = found.data.find((each) => each.id === looked);
  const names = new Map(flows.data?.map((flow) => [flow.id, flow.name]));
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Deployments</h1>
      {chosen && <RunForm key={chosen.id} deployment={chosen} close={() => setChosen(null)} />}
      {opened && <Versions deployment={opened} close={() => setLooked(null)} />}
      {found.data.length === 0 ? (
        <Empty command="runwright deploy flow.py:flow --name nightly --pool main">
          Nothing is deployed yet.
        </Empty>
      ) : (
        <Table
          label="Deployments"
          rows={found.data}
          id={(each) => each.id}
          columns={[
            {
              title: "Deployment",
              wide: true,
              cell: (each) => (
                <Link to="/deployments/$id" params={{ id: each.id }} className="font-medium whitespace-nowrap">
                  {names.get(each.flow_id)}/{each.name}
                </Link>
              ),
            },
            { title: "Status", cell: (each) => <DeploymentStatus deployment={each} /> },
            {
              title: "Pool",
              cell: (each) =>
                each.work_pool_name && (
                  <Link to="/pools/$name" params={{ name: each.work_pool_name }}>
                    {each.work_pool_name}
                  </Link>
                ),
            },
            { title: "Version", cell: (each) => each.version_number ?? "" },
            { title: "Schedules", cell: (each) => <Schedules deployment={each} /> },
            {
              title: "Action",
              cell: (each) => (
                <Actions deployment={each} run={() => setChosen(each)} showVersions={() => setLooked(each.id)} />
              ),
            },
          ]}
        />
      )}
    </div>
  );
}

function Schedules({ deployment }: { deployment: Deployment }) {
  return (
    <ul>
      {deployment.schedules?.map((each) => (
        <li key={each.id} className="flex gap-2">
          <span title={JSON.stringify(each.schedule)}>{inWords(each.schedule)}</span>
          <span className="text-faint">
            {each.active === false ? "off" : each.next_fire_at && !deployment.paused ? <When at={each.next_fire_at} /> : ""}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Actions(props: { deployment: Deployment; run: () => void; showVersions: () => void }) {
  const { deployment } = props;
  const path = { params: { path: { deployment_id: deployment.id } } };
  const toggle = useAct(() =>
    deployment.paused
      ? good(api.POST("/api/deployments/{deployment_id}/resume_deployment", path))
      : good(api.POST("/api/deployments/{deployment_id}/pause_deployment", path)),
  );
  return (
    <span className="flex gap-2">
      <Button onClick={props.run}>Run</Button>
      <Button disabled={toggle.isPending} onClick={() => toggle.mutate(undefined)}>
        {deployment.paused ? "Resume" : "Pause"}
      </Button>
      {(deployment.version_number ?? 0) > 1 && <Button onClick={props.showVersions}>Versions</Button>}
      {toggle.error && <Failure error={toggle.error} />}
    </span>
  );
}
