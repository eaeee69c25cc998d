/** Which runs are listed: what the address says, and what changes it. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { api, good, type StateType } from "../api/client";
import * as ask from "../api/queries";
import { readSearch, type RunSearch } from "../lib/search";
import { STATE_TYPES } from "../lib/states";
import { useAct } from "./act";
import { Button, Delete, Failure, StateBadge } from "./basics";
import { Popover } from "./overlays";

/** What is typed waits for a pause, so that not every letter is a request. */
const TYPING_MS = 300;

export function Filters({ search }: { search: RunSearch }) {
  const navigate = useNavigate();
  const change = (changed: RunSearch) =>
    navigate({ to: "/runs", search: { ...search, before: undefined, skip: undefined, ...changed }, replace: true });
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
    <form role="search" aria-label="Filter runs" className="flex flex-wrap items-center gap-3" onSubmit={(e) => e.preventDefault()}>
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
      <Views search={search} />
    </form>
  );
}

function States(props: { title: string; chosen?: StateType[]; toggle: (type: StateType) => void }) {
  const count = props.chosen?.length ?? 0;
  const said = count > 0 ? props.chosen?.join(", ").toLowerCase() : props.title === "States" ? "any" : "none";
  return (
    <Popover name={props.title} label={<span className="truncate">{`${props.title}: ${said}`}</span>}>
      <fieldset className="flex flex-col gap-1">
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
    </Popover>
  );
}

/** Searches that were kept under a name, for everybody. */
function Views({ search }: { search: RunSearch }) {
  const found = useQuery(ask.views);
  const [name, setName] = useState("");
  const keep = useAct(
    () => {
      const { before: _, skip: __, ...kept } = search;
      const filter = { object: "flow_runs", property: "address", type: "object", operation: "equals", value: kept };
      return good(api.PUT("/api/saved_searches", { body: { name: name.trim(), filters: [filter] } }));
    },
    () => setName(""),
  );
  const forget = useAct((id: string) =>
    good(api.DELETE("/api/saved_searches/{search_id}", { params: { path: { search_id: id } } })),
  );
  const views = found.data ?? [];
  const failed = keep.error ?? forget.error;
  return (
    <Popover name="Views" label={`Views: ${views.length}`}>
      <div className="flex w-72 max-w-full flex-col gap-3">
        {views.length === 0 && (
          <p className="text-faint">No search is kept yet. Choose states, a name or a pool, and keep that under a name.</p>
        )}
        <ul aria-label="Views" className="flex flex-col gap-1">
          {views.map((view) => (
            <li key={view.id} className="flex gap-3">
              <Link to="/runs" search={readSearch(valueOf(view.filters))} className="min-w-0 grow truncate">
                {view.name}
              </Link>
              <Delete
                name={`the view ${view.name}`}
                says="It goes for everybody. The runs stay."
                act={() => forget.mutate(view.id)}
              />
            </li>
          ))}
        </ul>
        <form
          className="flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault();
            keep.mutate(undefined);
          }}
        >
          <label className="flex min-w-0 grow flex-col gap-1">
            Keep this one as
            <input
              value={name}
              onChange={(event) => setName(event.target.value)}
              className="w-full rounded border border-line bg-surface px-2 py-1"
            />
          </label>
          <Button type="submit" disabled={name.trim() === "" || keep.isPending}>
            Keep
          </Button>
        </form>
        {failed && <Failure error={failed} />}
      </div>
    </Popover>
  );
}

function valueOf(filters: readonly Record<string, unknown>[] | undefined): Record<string, unknown> {
  const value = filters?.find((filter) => filter["property"] === "address")?.["value"];
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
