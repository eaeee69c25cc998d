/** One worker: whether it lives, what it runs, and how its machine did in the last hour. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import type { Query, Worker as WorkerRow } from "../api/client";
import * as ask from "../api/place-queries";
import { Card, Empty, Failure, Loading, useTitle, When } from "../components/basics";
import { Facts, Slots } from "../components/places";
import { RunLines } from "../components/run-lines";
import { WorkerHost, WorkerStatus } from "../components/workers";
import { activeIn } from "../lib/waiting";

export function Worker() {
  const { name, id } = useParams({ from: "/app/pools/$name/workers/$id" });
  const found = useQuery(ask.workers(name));
  const worker = found.data?.find((each) => each.id === id);
  useTitle(worker?.name ?? "Worker");
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="the worker" />;
  if (!worker)
    return (
      <Empty>
        It is none of the last 200 workers of <Link to="/pools/$name" params={{ name }}>{name}</Link>.
      </Empty>
    );
  return (
    <div className="flex flex-col gap-4">
      <header className="flex flex-wrap items-center gap-4">
        <h1 className="text-lg font-semibold">{worker.name}</h1>
        <WorkerStatus worker={worker} />
      </header>
      <About pool={name} worker={worker} />
      <Card title="Its machine">
        <WorkerHost pool={name} worker={worker} />
        {!worker.host && <p className="text-faint">It has not told how its machine does.</p>}
      </Card>
      <Card title="Running">
        <RunLines label="Running on this worker" filter={activeIn(name, id)} limit={50} none="It runs nothing now." />
      </Card>
      <Card title="Its last runs">
        <RunLines label="Last runs of this worker" filter={endedOn(worker)} sort="START_TIME_DESC" none="It has ended no run yet." />
      </Card>
    </div>
  );
}

function About({ pool, worker }: { pool: string; worker: WorkerRow }) {
  return (
    <Facts
      facts={[
        ["Work pool", <Link to="/pools/$name" params={{ name: pool }}>{pool}</Link>],
        ["Type", worker.type ?? "–"],
        ["Version", worker.version ?? "–"],
        ["Queues", worker.queues?.join(", ") || "all"],
        ["Slots in use", <Slots taken={worker.executions ?? 0} limit={worker.limit} />],
        ["Started", <When at={worker.created} />],
        ["Heard", <When at={worker.last_heartbeat_time} />],
      ]}
    />
  );
}

/** `start_time` bounds how much of the history is looked through. */
function endedOn(worker: WorkerRow): Query {
  return {
    flow_runs: {
      worker_id: { any_: [worker.id] },
      state: { type: { any_: ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] } },
      ...(worker.created && { start_time: { after_: worker.created } }),
    },
  };
}
