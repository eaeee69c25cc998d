/** Runs: all of them, or those that the address asks for. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { Bars } from "../components/bars";
import { type Column, Empty, Failure, Loading, StateBadge, Table, useNow, useTitle, When } from "../components/basics";
import { Belongs } from "../components/belongs";
import { Bulk } from "../components/bulk";
import { Filters } from "../components/run-filters";
import { barsOf } from "../lib/history";
import { filterOf, nextPage, PAGE_SIZE, readSearch, type RunSearch } from "../lib/search";
import { duration } from "../lib/time";

const DAY = 86_400_000;
const DAYS = 14;

export function Runs() {
  useTitle("Runs");
  // The router hands through what it was given where nothing sensible was read.
  const search = readSearch(useSearch({ from: "/app/runs" }));
  const flows = useQuery(ask.flows);
  const found = useQuery({ ...ask.runs(search), placeholderData: keepPreviousData });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const names = new Map(flows.data?.map((flow) => [flow.id, flow.name]));
  const shown = found.data?.slice(0, PAGE_SIZE) ?? [];
  const isFiltered = Object.keys(search).length > 0;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Runs</h1>
      <Filters search={search} />
      <Belongs search={search} />
      <History search={search} />
      {found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading what="runs" />
      ) : shown.length === 0 ? (
        <NoRuns isFiltered={isFiltered} />
      ) : (
        <>
          <Bulk runs={shown.filter((run) => chosen.has(run.id))} done={() => setChosen(new Set())} />
          <Table
            label="Runs"
            rows={shown}
            id={(run) => run.id}
            columns={[choice(shown, chosen, setChosen), ...columns(names)]}
          />
          <Pages search={search} shown={shown} hasNext={found.data.length > PAGE_SIZE} />
        </>
      )}
    </div>
  );
}

function choice(
  shown: FlowRun[],
  chosen: ReadonlySet<string>,
  choose: (ids: ReadonlySet<string>) => void,
): Column<FlowRun> {
  const all = shown.every((run) => chosen.has(run.id));
  const toggle = (id: string) => {
    const now = new Set(chosen);
    if (!now.delete(id)) now.add(id);
    choose(now);
  };
  return {
    title: "Choose",
    head: (
      <input
        type="checkbox"
        aria-label="Choose all that are shown"
        checked={all}
        onChange={() => choose(all ? new Set() : new Set(shown.map((run) => run.id)))}
      />
    ),
    cell: (run) => (
      <input type="checkbox" aria-label={`Choose ${run.name}`} checked={chosen.has(run.id)} onChange={() => toggle(run.id)} />
    ),
  };
}

function columns(flows: Map<string, string>): Column<FlowRun>[] {
  return [
    { title: "State", cell: (run) => <StateBadge type={run.state_type} name={run.state_name} /> },
    {
      title: "Run",
      wide: true,
      cell: (run) => (
        <Link to="/runs/$id" params={{ id: run.id }} className="font-medium">
          {run.name}
        </Link>
      ),
    },
    { title: "Flow", cell: (run) => flows.get(run.flow_id) ?? "" },
    { title: "Attempt", cell: (run) => (run.attempt ?? 1) > 1 && `${run.attempt}` },
    { title: "Pool", cell: (run) => run.work_pool_name },
    { title: "When", cell: (run) => <When at={run.start_time ?? run.expected_start_time} /> },
    { title: "Took", cell: (run) => (run.start_time ? duration(run.estimated_run_time ?? 0) : "") },
  ];
}

/** What is listed, by the day it was due. */
function History({ search }: { search: RunSearch }) {
  const now = useNow(600_000);
  const end = Math.ceil(now.getTime() / DAY) * DAY;
  const { before: _, skip: __, ...asked } = search;
  const found = useQuery(ask.history(new Date(end - DAYS * DAY), new Date(end), DAY / 1000, filterOf(asked)));
  const bars = barsOf(found.data ?? []);
  return bars.some((bar) => bar.total > 0) ? <Bars bars={bars} unit="day" /> : null;
}

function NoRuns({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty>
        No run is like this. <Link to="/runs">Show all</Link>
      </Empty>
    );
  return (
    <Empty command="runwright deployment run FLOW/NAME --watch">
      Nothing has run yet. Run a flow by hand, or a deployment:
    </Empty>
  );
}

function Pages({ search, shown, hasNext }: { search: RunSearch; shown: FlowRun[]; hasNext: boolean }) {
  return (
    <nav aria-label="Pages" className="flex gap-4">
      {search.before && (
        <Link to="/runs" search={{ ...search, before: undefined, skip: undefined }}>
          Newest
        </Link>
      )}
      {hasNext && (
        <Link to="/runs" search={{ ...search, ...nextPage(search, shown) }}>
          Older
        </Link>
      )}
    </nav>
  );
}
