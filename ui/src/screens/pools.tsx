/** Work pools: whether they serve what waits, and how much is in use. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { WorkPool } from "../api/client";
import * as few from "../api/place-queries";
import * as ask from "../api/queries";
import { Slots, WorkPoolStatus } from "../components/places";
import { Empty, Failure, Loading, Table, useTitle, When } from "../components/basics";

export function Pools() {
  useTitle("Work pools");
  const found = useQuery(ask.pools);
  const pools = found.data ?? [];
  const standings = useQuery(few.poolStandings);
  const of = (pool: WorkPool) => standings.data?.get(pool.id);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="work pools" />;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Work pools</h1>
      {pools.length === 0 ? (
        <Empty command="runwright work-pool create main">There is no work pool yet.</Empty>
      ) : (
        <Table
          label="Work pools"
          rows={pools}
          id={(pool) => pool.id}
          columns={[
            {
              title: "Work pool",
              wide: true,
              cell: (pool) => (
                <Link to="/pools/$name" params={{ name: pool.name }} className="font-medium">
                  {pool.name}
                </Link>
              ),
            },
            { title: "Type", cell: (pool) => pool.type },
            { title: "Status", cell: (pool) => <WorkPoolStatus pool={pool} due={of(pool)?.due_runs ?? 0} /> },
            { title: "Workers online", cell: (pool) => of(pool)?.workers_online },
            { title: "Last heard", cell: (pool) => <When at={of(pool)?.last_heard_at} /> },
            { title: "Waiting", cell: (pool) => (of(pool)?.due_runs ?? 0).toLocaleString() },
            { title: "In use", cell: (pool) => <Slots taken={pool.active_slots ?? 0} limit={pool.concurrency_limit} /> },
          ]}
        />
      )}
    </div>
  );
}
