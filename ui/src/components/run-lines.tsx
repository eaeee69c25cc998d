/** Runs of one flow, deployment, pool or worker: a few of them, and how they were over time. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { FlowRun, Query } from "../api/client";
import * as ask from "../api/place-queries";
import { history } from "../api/queries";
import { barsOf, totals } from "../lib/history";
import type { RunSearch } from "../lib/search";
import { duration } from "../lib/time";
import { Bars } from "./bars";
import { type Column, Failure, Loading, StateBadge, Table, useNow, When } from "./basics";

const DAY = 86_400_000;
const DAYS = 14;

export function RunLines(props: {
  label: string;
  filter: Query;
  sort?: string;
  limit?: number;
  none: ReactNode;
  /** Between the run and its time. */
  extra?: Column<FlowRun>[];
}) {
  const found = useQuery(ask.fewRuns(props.filter, props.sort, props.limit));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="runs" />;
  if (found.data.length === 0) return <p className="text-faint">{props.none}</p>;
  const took: Column<FlowRun> = {
    title: "Took",
    cell: (run) => (run.start_time ? duration(run.estimated_run_time ?? 0) : ""),
  };
  return (
    <Table
      label={props.label}
      rows={found.data}
      id={(run) => run.id}
      columns={[
        { title: "State", cell: (run) => <StateBadge type={run.state_type} name={run.state_name} /> },
        {
          title: "Run",
          wide: true,
          cell: (run) => (
            <Link to="/runs/$id" params={{ id: run.id }} className="font-medium whitespace-nowrap">
              {run.name}
            </Link>
          ),
        },
        ...(props.extra ?? []),
        { title: "When", cell: (run) => <When at={run.start_time ?? run.next_scheduled_start_time ?? run.expected_start_time} /> },
        ...(found.data.some((run) => run.start_time) ? [took] : []),
      ]}
    />
  );
}

/** The last two weeks: bars by the day, and how many of each state. */
export function RunDays({ filter, search }: { filter: Query; search: RunSearch }) {
  const now = useNow(600_000);
  const end = Math.ceil(now.getTime() / DAY) * DAY;
  const found = useQuery(history(new Date(end - DAYS * DAY), new Date(end), DAY / 1000, filter));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="the last days" />;
  const bars = barsOf(found.data);
  const sums = totals(bars);
  if (sums.length === 0) return <p className="text-faint">Nothing was to run in the last {DAYS} days.</p>;
  return (
    <>
      <ul aria-label="In all" className="mb-3 flex flex-wrap gap-5">
        {sums.map((part) => (
          <li key={part.type} className="flex gap-2">
            <Link to="/runs" search={{ ...search, state: [part.type] }}>
              <StateBadge type={part.type} />
            </Link>
            {part.count.toLocaleString()}
          </li>
        ))}
      </ul>
      <Bars bars={bars} unit="day" />
    </>
  );
}
