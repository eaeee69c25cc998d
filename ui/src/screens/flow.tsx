/** One flow: how its runs went, and where it is deployed. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import * as ask from "../api/place-queries";
import { Card, Empty, Failure, Loading, Table, useTitle, When } from "../components/basics";
import { DeploymentStatus, Facts } from "../components/places";
import { RunDays, RunLines } from "../components/run-lines";
import { inWords } from "../lib/schedules";
import { begun } from "../lib/waiting";

export function Flow() {
  const { id } = useParams({ from: "/app/flows/$id" });
  const found = useQuery(ask.flow(id));
  useTitle(found.data?.name ?? "Flow");
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="the flow" />;
  const flow = found.data;
  const own = { flows: { id: { any_: [id] } } };
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">{flow.name}</h1>
      <Facts
        facts={[
          ["Tags", flow.tags?.join(", ") || "–"],
          ["Known since", <When at={flow.created} />],
          ["Runs", <Link to="/runs" search={{ flow: flow.name }}>all of this flow</Link>],
        ]}
      />
      <Card title="Runs of the last 14 days">
        <RunDays filter={own} search={{ flow: flow.name }} />
      </Card>
      <Card title="Deployments">
        <Deployments flow={id} name={flow.name} />
      </Card>
      <Card title="Last runs">
        <RunLines
          label="Last runs"
          filter={{ ...own, flow_runs: begun() }}
          none="It has not run yet."
          extra={[{ title: "Pool", cell: (run) => run.work_pool_name }]}
        />
      </Card>
    </div>
  );
}

function Deployments({ flow, name }: { flow: string; name: string }) {
  const found = useQuery(ask.deploymentsOf(flow));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="deployments" />;
  if (found.data.length === 0)
    return <Empty command={`runwright deploy flow.py:${name} --name nightly --pool main`}>It is not deployed: it runs by hand.</Empty>;
  return (
    <Table
      label="Deployments"
      rows={found.data}
      id={(each) => each.id}
      columns={[
        {
          title: "Deployment",
          wide: true,
          cell: (each) => (
            <Link to="/deployments/$id" params={{ id: each.id }} className="font-medium">
              {each.name}
            </Link>
          ),
        },
        { title: "Status", cell: (each) => <DeploymentStatus deployment={each} /> },
        { title: "Pool", cell: (each) => each.work_pool_name },
        { title: "Schedules", cell: (each) => each.schedules?.map((schedule) => inWords(schedule.schedule)).join(", ") || "–" },
      ]}
    />
  );
}
