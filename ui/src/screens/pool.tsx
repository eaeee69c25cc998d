/** One work pool: its queues and workers, what waits and runs in it, and what its runs start with. */
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";

import { api, good, type WorkPool } from "../api/client";
import * as ask from "../api/place-queries";
import { useAct } from "../components/act";
import { Button, Card, Failure, Loading, useTitle } from "../components/basics";
import { JobTemplate } from "../components/job-template";
import { LimitField } from "../components/limit-field";
import { Facts, Slots, WorkPoolStatus } from "../components/places";
import { Queues } from "../components/queues";
import { RunLines } from "../components/run-lines";
import { Workers } from "../components/workers";
import { activeIn, scheduledIn } from "../lib/waiting";

export function Pool() {
  const { name } = useParams({ from: "/app/pools/$name" });
  useTitle(name);
  const found = useQuery(ask.pool(name));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="the work pool" />;
  const pool = found.data;
  return (
    <div className="flex flex-col gap-4">
      <Header pool={pool} />
      <Card title="Queues">
        <Queues pool={pool} />
      </Card>
      <Card title="Workers">
        <Workers pool={pool} />
      </Card>
      <div className="grid gap-4 lg:grid-cols-2">
        <Card title="Running">
          <RunLines
            label="Running in this pool"
            filter={activeIn(name)}
            none="Nothing runs in it now."
            extra={[{ title: "Worker", cell: (run) => run.worker_name }]}
          />
        </Card>
        <Card title="Next">
          <RunLines
            label="Next in this pool"
            filter={scheduledIn(name)}
            sort="NEXT_SCHEDULED_START_TIME_ASC"
            none="Nothing waits in it."
            extra={[{ title: "Queue", cell: (run) => run.work_queue_name }]}
          />
        </Card>
      </div>
      <Card title="Job template">
        <JobTemplate key={pool.id} pool={pool} />
      </Card>
    </div>
  );
}

function Header({ pool }: { pool: WorkPool }) {
  const standings = useQuery(ask.poolStandings);
  const due = standings.data?.get(pool.id)?.due_runs ?? 0;
  const change = useAct((body: { is_paused?: boolean; concurrency_limit?: number | null }) =>
    good(api.PATCH("/api/work_pools/{name}", { params: { path: { name: pool.name } }, body })),
  );
  return (
    <header className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-4">
        <h1 className="text-lg font-semibold">{pool.name}</h1>
        <WorkPoolStatus pool={pool} due={due} />
        <span className="ml-auto flex gap-2">
          <Button disabled={change.isPending} onClick={() => change.mutate({ is_paused: !pool.is_paused })}>
            {pool.is_paused ? "Resume" : "Pause"}
          </Button>
        </span>
      </div>
      {pool.description && <p>{pool.description}</p>}
      <Facts
        facts={[
          ["Type", pool.type],
          ["Slots in use", <Slots taken={pool.active_slots ?? 0} limit={pool.concurrency_limit} />],
          ["Limit", <LimitField of={pool.name} limit={pool.concurrency_limit} keep={(limit) => change.mutate({ concurrency_limit: limit })} />],
          ["Waiting", due.toLocaleString()],
          ["Runs", <Link to="/runs" search={{ pool: pool.name }}>all of this pool</Link>],
        ]}
      />
      {change.error && <Failure error={change.error} />}
    </header>
  );
}
