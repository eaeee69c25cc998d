/** How things stand: what failed comes first, then what is late or stuck, then everything over time. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { FlowRun } from "../api/client";
import * as few from "../api/place-queries";
import * as ask from "../api/queries";
import { Bars } from "../components/bars";
import { Card, Empty, Failure, Loading, StateBadge, Table, useNow, useTitle, When } from "../components/basics";
import { Slots, WorkPoolStatus } from "../components/places";
import { barsOf, totals } from "../lib/history";

const HOUR = 3_600_000;
/** As many as a list shows: there may be more. */
const SHOWN = 10;

export function Dashboard() {
  useTitle("Dashboard");
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Dashboard</h1>
      <div className="grid items-start gap-4 lg:grid-cols-3">
        <Failures />
        <Late />
        <Stuck />
      </div>
      <Day />
      <Health />
    </div>
  );
}

function Failures() {
  const found = useQuery(ask.failures);
  return (
    <Group
      title="Failed and crashed"
      asked={found}
      count={found.data?.length}
      none="Nothing has failed in the last 7 days."
      all={<Link to="/runs" search={{ state: ["FAILED", "CRASHED"] }}>All of them</Link>}
    >
      {found.data?.map((run) => <Line key={run.id} run={run} at={run.end_time} says={run.state?.message} />)}
    </Group>
  );
}

function Late() {
  const found = useQuery(ask.late);
  return (
    <Group
      title="Late"
      asked={found}
      count={found.data?.length}
      none="Nothing is late."
      all={<Link to="/runs" search={{ state: ["SCHEDULED"] }}>All that waits</Link>}
    >
      {found.data?.map((run) => (
        <Line key={run.id} run={run} at={run.expected_start_time} says={run.work_pool_name && `in ${run.work_pool_name}`} />
      ))}
    </Group>
  );
}

function Stuck() {
  const found = useQuery(few.stuck);
  return (
    <Group title="Stuck" asked={found} count={found.data?.length} none="Nothing is stuck.">
      {found.data?.slice(0, SHOWN).map((each) => (
        <Line key={each.flow_run.id} run={each.flow_run} at={each.since} says={each.why} />
      ))}
    </Group>
  );
}

function Group(props: {
  title: string;
  asked: { error: Error | null; data?: unknown; refetch: () => unknown };
  count?: number;
  none: string;
  all?: ReactNode;
  children: ReactNode;
}) {
  const { asked, count = 0 } = props;
  const told = count > 0 ? `${props.title}: ${count >= SHOWN ? `${SHOWN} or more` : count}` : props.title;
  return (
    <Card title={told}>
      {asked.error && <Failure error={asked.error} retry={() => void asked.refetch()} />}
      {asked.data !== undefined && count === 0 && <p className="text-faint">{props.none}</p>}
      {count > 0 && (
        <>
          <ul className="flex flex-col gap-2">{props.children}</ul>
          {props.all && <p className="mt-3">{props.all}</p>}
        </>
      )}
    </Card>
  );
}

function Line({ run, at, says }: { run: FlowRun; at?: string | null; says?: string | null }) {
  return (
    <li className="flex flex-col">
      <span className="flex flex-wrap items-baseline gap-x-3">
        <StateBadge type={run.state_type} name={run.state_name} />
        <Link to="/runs/$id" params={{ id: run.id }} className="font-medium">
          {run.name}
        </Link>
        <span className="ml-auto text-faint">
          <When at={at} />
        </span>
      </span>
      {says && (
        <span className="truncate pl-4.5 text-faint" title={says}>
          {says}
        </span>
      )}
    </li>
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
    return <Empty command="runwright deployment run FLOW/NAME">Nothing was to run in the last 24 hours.</Empty>;
  return (
    <Card title="The last 24 hours, by the hour runs were due">
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

function Health() {
  const found = useQuery(ask.pools);
  const pools = found.data ?? [];
  const standings = useQuery(few.poolStandings);
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (pools.length === 0) return null;
  const due = (id: string) => standings.data?.get(id)?.due_runs ?? 0;
  // What keeps runs waiting comes first.
  const order = (id: string, isReady: boolean) => (isReady ? 0 : 1 + due(id));
  const sorted = [...pools].sort(
    (a, b) => order(b.id, b.status === "READY") - order(a.id, a.status === "READY"),
  );
  return (
    <Card title="Work pools">
      <Table
        label="Work pools"
        rows={sorted}
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
          { title: "Status", cell: (pool) => <WorkPoolStatus pool={pool} due={due(pool.id)} /> },
          { title: "Waiting", cell: (pool) => due(pool.id).toLocaleString() },
          { title: "In use", cell: (pool) => <Slots taken={pool.active_slots ?? 0} limit={pool.concurrency_limit} /> },
        ]}
      />
    </Card>
  );
}
