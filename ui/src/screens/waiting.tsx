/** Why a scheduled run is not running, as far as the pool shows it. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { Card, Command, When } from "../components/basics";
import { reasonsOf } from "../lib/waiting";

export function Waiting({ run }: { run: FlowRun }) {
  const pools = useQuery(ask.pools);
  const pool = pools.data?.find((each) => each.name === run.work_pool_name);
  const workers = useQuery({ ...ask.workers(pool?.name ?? ""), enabled: pool !== undefined });
  if (!pools.data || (pool && !workers.data)) return null;
  const reasons = reasonsOf(run, pool, workers.data ?? [], new Date());
  return (
    <Card title="Why it is not running">
      <ul className="flex flex-col gap-3">
        {reasons.map((reason) => (
          <li key={reason.text} className="flex flex-wrap items-center gap-3">
            {reason.text}
            {reason.command && <Command text={reason.command} />}
          </li>
        ))}
      </ul>
      <p className="mt-3 text-faint">
        Due <When at={run.next_scheduled_start_time ?? run.expected_start_time} />.{" "}
        {pool && <Link to="/pools">Work pool {pool.name}</Link>}
      </p>
    </Card>
  );
}
