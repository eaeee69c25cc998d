/** How things stand: what failed comes first, then what is late, then everything over time. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { Bars } from "../components/bars";
import { Card, Empty, Failure, Loading, StateBadge, useNow, useTitle, When } from "../components/basics";
import { barsOf, totals } from "../lib/history";

const HOUR = 3_600_000;

export function Dashboard() {
  useTitle("Dashboard");
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">The last 24 hours</h1>
      <Day />
      <div className="grid gap-4 md:grid-cols-2">
        <Runs title="Failed and crashed" query={ask.failures} none="Nothing has failed." />
        <Runs title="Late" query={ask.late} none="Nothing is late." />
      </div>
      <Health />
    </div>
  );
}

function Day() {
  const now = useNow(60_000);
  const end = Math.ceil(now.getTime() / HOUR) * HOUR;
  const found = useQuery(ask.history(new Date(end - 24 * HOUR), new Date(end), HOUR / 1000));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="the day" />;
  const bars = barsOf(found.data);
  const sums = totals(bars);
  if (sums.length === 0)
    return <Empty command="runwright deployment run FLOW/NAME">Nothing was to run.</Empty>;
  return (
    <Card title="Runs by the hour they were due">
      <ul aria-label="In all" className="mb-3 flex flex-wrap gap-5">
        {sums.map((part) => (
          <li key={part.type} className="flex gap-2">
            <Link to="/runs" search={{ state: [part.type] }}>
              <StateBadge type={part.type} />
            </Link>
            {part.count.toLocaleString()}
          </li>
        ))}
      </ul>
      <Bars bars={bars} unit="hour" />
    </Card>
  );
}

function Runs(props: { title: string; query: typeof ask.failures; none: string }) {
  const found = useQuery(props.query);
  return (
    <Card title={props.title}>
      {found.error && <Failure error={found.error} />}
      {found.data?.length === 0 && <p className="text-faint">{props.none}</p>}
      <ul className="flex flex-col gap-1">{found.data?.map((run) => <Line key={run.id} run={run} />)}</ul>
    </Card>
  );
}

function Line({ run }: { run: FlowRun }) {
  return (
    <li className="flex flex-wrap gap-3">
      <StateBadge type={run.state_type} name={run.state_name} />
      <Link to="/runs/$id" params={{ id: run.id }}>
        {run.name}
      </Link>
      <When at={run.end_time ?? run.expected_start_time} />
      <span className="text-faint">{run.state?.message?.slice(0, 100)}</span>
    </li>
  );
}

function Health() {
  const found = useQuery(ask.pools);
  if (!found.data || found.data.length === 0) return null;
  const words = { READY: "ready", NOT_READY: "no worker online", PAUSED: "paused" } as const;
  return (
    <Card title="Work pools">
      <ul className="flex flex-wrap gap-6">
        {found.data.map((pool) => (
          <li key={pool.id} className="flex gap-2">
            <Link to="/pools">{pool.name}</Link>
            <span className={pool.status === "READY" ? "text-good" : "text-warn"}>
              {words[pool.status ?? "NOT_READY"]}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
