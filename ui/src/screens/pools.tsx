/** Work pools and their workers: who is there, and how their machines do. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import * as ask from "../api/queries";
import { Card, Empty, Failure, Loading, Table, useNow, useTitle, When } from "../components/basics";
import { HostChart } from "../components/host-chart";
import { inUse } from "../lib/host";

const HOUR = 3_600_000;

export function Pools() {
  useTitle("Work pools");
  const found = useQuery(ask.pools);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="work pools" />;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Work pools</h1>
      {found.data.length === 0 && (
        <Empty command="runwright work-pool create main">There is no work pool yet.</Empty>
      )}
      {found.data.map((pool) => (
        <Card key={pool.id} title={<Link to="/runs" search={{ pool: pool.name }}>{pool.name}</Link>}>
          <p className="mb-2 text-faint">
            {pool.type}
            {pool.is_paused && ", paused"}
            {pool.concurrency_limit != null && `, ${pool.active_slots ?? 0} of ${pool.concurrency_limit} slots in use`}
          </p>
          <Workers pool={pool.name} type={pool.type} />
        </Card>
      ))}
    </div>
  );
}

function Workers({ pool, type }: { pool: string; type: string }) {
  const found = useQuery(ask.workers(pool));
  const online = found.data?.filter((worker) => worker.status === "ONLINE");
  if (!online) return <Loading what="workers" />;
  if (online.length === 0)
    return (
      <Empty command={`runwright worker start --pool ${pool}${type === "process" ? "" : ` --type ${type}`}`}>
        No worker is online: nothing of this pool runs.
      </Empty>
    );
  return (
    <>
      <Table
        label={`Workers of ${pool}`}
        rows={online}
        id={(worker) => worker.id}
        columns={[
          { title: "Worker", wide: true, cell: (worker) => worker.name },
          { title: "Runs", cell: (worker) => `${worker.executions ?? 0} of ${worker.limit ?? "?"}` },
          { title: "CPU", cell: (worker) => inUse(worker.host, "CPU") },
          { title: "Memory", cell: (worker) => inUse(worker.host, "Memory") },
          { title: "Disk", cell: (worker) => inUse(worker.host, "Disk") },
          { title: "Heard", cell: (worker) => <When at={worker.last_heartbeat_time} /> },
        ]}
      />
      {online.map((worker) => (
        <WorkerHost key={worker.id} pool={pool} worker={worker.id} name={worker.name} />
      ))}
    </>
  );
}

function WorkerHost({ pool, worker, name }: { pool: string; worker: string; name: string }) {
  const now = useNow(10_000).getTime();
  const found = useQuery(ask.hostOfWorker(pool, worker));
  const view = { from: now - HOUR, to: now };
  return <HostChart readings={found.data ?? []} view={view} title={`${name}, the last hour`} />;
}
