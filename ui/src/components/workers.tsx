/** The workers of a pool: who is there, what they hold, and how their machines do. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { Worker, WorkPool } from "../api/client";
import * as ask from "../api/place-queries";
import { hostOfWorker } from "../api/queries";
import { inUse } from "../lib/host";
import { Button, Empty, Failure, Loading, Table, useNow, When } from "./basics";
import { HostChart } from "./host-chart";
import { Mark, Slots } from "./places";

const HOUR = 3_600_000;
/** Charts that are shown without being asked for. */
const CHARTS = 4;

export function startCommand(pool: WorkPool): string {
  return `runwright worker start --pool ${pool.name}${pool.type === "process" ? "" : ` --type ${pool.type}`}`;
}

export function Workers({ pool }: { pool: WorkPool }) {
  const [showsGone, setShowsGone] = useState(false);
  const found = useQuery(ask.workers(pool.name));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="workers" />;
  const online = found.data.filter((worker) => worker.status === "ONLINE");
  const gone = found.data.length - online.length;
  const shown = showsGone ? found.data : online;
  return (
    <div className="flex flex-col gap-3">
      {online.length === 0 && (
        <Empty command={startCommand(pool)}>No worker is online: nothing of this pool runs. Start one:</Empty>
      )}
      {shown.length > 0 && <WorkerTable pool={pool} workers={shown} />}
      {gone > 0 && (
        <p>
          <Button onClick={() => setShowsGone(!showsGone)}>
            {showsGone ? "Hide those that are gone" : `Show ${gone} that ${gone === 1 ? "is" : "are"} gone`}
          </Button>
        </p>
      )}
      {online.slice(0, CHARTS).map((worker) => (
        <WorkerHost key={worker.id} pool={pool.name} worker={worker} />
      ))}
    </div>
  );
}

function WorkerTable({ pool, workers }: { pool: WorkPool; workers: Worker[] }) {
  return (
    <Table
      label={`Workers of ${pool.name}`}
      rows={workers}
      id={(worker) => worker.id}
      columns={[
        {
          title: "Worker",
          wide: true,
          cell: (worker) => (
            <Link to="/pools/$name/workers/$id" params={{ name: pool.name, id: worker.id }} className="font-medium">
              {worker.name}
            </Link>
          ),
        },
        { title: "Status", cell: (worker) => <WorkerStatus worker={worker} /> },
        { title: "Version", cell: (worker) => worker.version ?? "–" },
        { title: "Queues", cell: (worker) => worker.queues?.join(", ") || "all" },
        { title: "In use", cell: (worker) => <Slots taken={worker.executions ?? 0} limit={worker.limit} /> },
        { title: "CPU", cell: (worker) => inUse(worker.host, "CPU") },
        { title: "Memory", cell: (worker) => inUse(worker.host, "Memory") },
        { title: "Disk", cell: (worker) => inUse(worker.host, "Disk") },
        { title: "Heard", cell: (worker) => <When at={worker.last_heartbeat_time} /> },
      ]}
    />
  );
}

export function WorkerStatus({ worker }: { worker: Worker }) {
  if (worker.status === "ONLINE") return <Mark tone="text-good" shape="●">Online</Mark>;
  return <Mark tone="text-muted" shape="○">Offline</Mark>;
}

export function WorkerHost({ pool, worker }: { pool: string; worker: Worker }) {
  const now = useNow(10_000).getTime();
  const found = useQuery(hostOfWorker(pool, worker.id));
  return (
    <HostChart readings={found.data ?? []} view={{ from: now - HOUR, to: now }} title={`${worker.name}, the last hour`} />
  );
}
