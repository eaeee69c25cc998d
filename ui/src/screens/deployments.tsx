/** Deployments, and a run of one at the press of a button. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Deployment } from "../api/client";
import * as ask from "../api/queries";
import { Button, Empty, Failure, Loading, Table, useTitle } from "../components/basics";
import { RunForm } from "../components/run-form";

export function Deployments() {
  useTitle("Deployments");
  const found = useQuery(ask.deployments);
  const flows = useQuery(ask.flows);
  const [chosen, setChosen] = useState<Deployment | null>(null);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="deployments" />;
  const names = new Map(flows.data?.map((flow) => [flow.id, flow.name]));
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Deployments</h1>
      {chosen && <RunForm key={chosen.id} deployment={chosen} close={() => setChosen(null)} />}
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
                <Link to="/runs" search={{ deployment: each.name }}>
                  {names.get(each.flow_id)}/{each.name}
                </Link>
              ),
            },
            { title: "Status", cell: (each) => (each.paused ? "Paused" : each.status === "READY" ? "Ready" : "No worker") },
            { title: "Pool", cell: (each) => each.work_pool_name },
            { title: "Version", cell: (each) => each.version_number ?? "" },
            { title: "Schedules", cell: (each) => each.schedules?.map(inWords).join(", ") },
            { title: "Action", cell: (each) => <Button onClick={() => setChosen(each)}>Run</Button> },
          ]}
        />
      )}
    </div>
  );
}

function inWords(schedule: { schedule?: unknown; active?: boolean }): string {
  const { cron, interval, rrule, timezone } = schedule.schedule as Record<string, unknown>;
  const rule = cron ?? rrule ?? (interval ? `every ${interval} s` : "");
  return `${rule} ${timezone ?? ""}${schedule.active === false ? " (off)" : ""}`.trim();
}
