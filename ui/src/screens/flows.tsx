/** Flows that have run or were deployed. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import * as ask from "../api/queries";
import { Empty, Failure, Loading, Table, useTitle, When } from "../components/basics";

export function Flows() {
  useTitle("Flows");
  const found = useQuery(ask.flows);
  const deployments = useQuery(ask.deployments);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="flows" />;
  const deployed = (flow: string) => deployments.data?.filter((each) => each.flow_id === flow) ?? [];
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Flows</h1>
      {found.data.length === 0 ? (
        <Empty command="python flow.py">No flow is known yet. One is, as soon as it runs:</Empty>
      ) : (
        <Table
          label="Flows"
          rows={found.data}
          id={(flow) => flow.id}
          columns={[
            {
              title: "Flow",
              wide: true,
              cell: (flow) => (
                <Link to="/flows/$id" params={{ id: flow.id }} className="font-medium">
                  {flow.name}
                </Link>
              ),
            },
            { title: "Deployments", cell: (flow) => deployed(flow.id).map((each) => each.name).join(", ") },
            { title: "Tags", cell: (flow) => flow.tags?.join(", ") },
            { title: "Known since", cell: (flow) => <When at={flow.created} /> },
          ]}
        />
      )}
    </div>
  );
}
