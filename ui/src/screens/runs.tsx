/** Runs: all of them, or those that the address asks for. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import type { FlowRun, StateType } from "../api/client";
import * as ask from "../api/queries";
import { type Column, Empty, Failure, Loading, StateBadge, Table, useTitle, When } from "../components/basics";
import { PAGE_SIZE, type RunSearch } from "../lib/search";
import { STATE_TYPES } from "../lib/states";
import { duration } from "../lib/time";

export function Runs() {
  useTitle("Runs");
  const search = useSearch({ from: "/app/runs" });
  const flows = useQuery(ask.flows);
  const found = useQuery({ ...ask.runs(search), placeholderData: keepPreviousData });
  const names = new Map(flows.data?.map((flow) => [flow.id, flow.name]));
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Runs</h1>
      <Filters search={search} />
      {found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading what="runs" />
      ) : found.data.length === 0 ? (
        <NoRuns isFiltered={Object.keys(search).length > 0} />
      ) : (
        <>
          <Table
            label="Runs"
            rows={found.data.slice(0, PAGE_SIZE)}
            id={(run) => run.id}
            columns={columns(names)}
          />
          <Pages page={search.page ?? 1} hasNext={found.data.length > PAGE_SIZE} />
        </>
      )}
    </div>
  );
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

/** What is typed waits for a pause, so that not every letter is a request. */
const TYPING_MS = 300;

function Filters({ search }: { search: RunSearch }) {
  const navigate = useNavigate();
  const change = (changed: RunSearch) =>
    navigate({ to: "/runs", search: { ...search, page: undefined, ...changed }, replace: true });
  const [name, setName] = useState(search.name ?? "");
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (text: string) => {
    setName(text);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => void change({ name: text || undefined }), TYPING_MS);
  };
  const toggle = (list: "state" | "not", type: StateType) => {
    const now = new Set(search[list]);
    if (!now.delete(type)) now.add(type);
    void change({ [list]: now.size > 0 ? [...now] : undefined });
  };
  return (
    <form role="search" aria-label="Filter runs" className="flex flex-wrap items-start gap-4" onSubmit={(e) => e.preventDefault()}>
      <label className="flex items-center gap-2">
        Name
        <input
          type="search"
          value={name}
          onChange={(event) => type(event.target.value)}
          className="rounded border border-line bg-surface px-2 py-1"
        />
      </label>
      <States title="States" chosen={search.state} toggle={(type) => toggle("state", type)} />
      <States title="but not" chosen={search.not} toggle={(type) => toggle("not", type)} />
    </form>
  );
}

function States(props: { title: string; chosen?: StateType[]; toggle: (type: StateType) => void }) {
  const count = props.chosen?.length ?? 0;
  return (
    <details className="relative rounded border border-line px-2 py-1">
      <summary className="cursor-pointer">
        {props.title}: {count > 0 ? props.chosen?.join(", ").toLowerCase() : props.title === "States" ? "any" : "none"}
      </summary>
      <fieldset className="absolute left-0 z-10 mt-1 flex flex-col gap-1 rounded border border-line bg-raised p-2">
        <legend className="sr-only">{props.title}</legend>
        {STATE_TYPES.map((type) => (
          <label key={type} className="flex items-center gap-2">
            <input
              type="checkbox"
              checked={props.chosen?.includes(type) ?? false}
              onChange={() => props.toggle(type)}
            />
            <StateBadge type={type} />
          </label>
        ))}
      </fieldset>
    </details>
  );
}

function Pages({ page, hasNext }: { page: number; hasNext: boolean }) {
  const turned = (by: number) => (before: RunSearch) => ({ ...before, page: page + by });
  return (
    <nav aria-label="Pages" className="flex gap-4">
      {page > 1 && (
        <Link to="/runs" search={turned(-1)}>
          Newer
        </Link>
      )}
      <span className="text-faint">Page {page}</span>
      {hasNext && (
        <Link to="/runs" search={turned(1)}>
          Older
        </Link>
      )}
    </nav>
  );
}
