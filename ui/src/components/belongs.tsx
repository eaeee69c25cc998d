/** Runs of one flow, deployment, pool or tag, or of all but one. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useState } from "react";

import * as ask from "../api/queries";
import { BELONGS, type RunSearch } from "../lib/search";
import { BOX } from "./places";

type Place = (typeof BELONGS)[number];
const NOT = "not ";
const IS = "is ";

export function Belongs({ search }: { search: RunSearch }) {
  const navigate = useNavigate();
  const flows = useQuery(ask.flows);
  const deployments = useQuery(ask.deployments);
  const pools = useQuery(ask.pools);
  const change = (changed: RunSearch) =>
    navigate({ to: "/runs", search: { ...search, before: undefined, skip: undefined, ...changed }, replace: true });
  const named = { flow: flows.data, deployment: deployments.data, pool: pools.data };
  const { before: _, skip: __, ...asked } = search;
  return (
    <div role="group" aria-label="What runs belong to" className="flex flex-wrap items-center gap-4">
      {BELONGS.map((place) => (
        <Choice
          key={place.key}
          place={place}
          search={search}
          names={[...new Set(named[place.key]?.map((each) => each.name))]}
          change={(changed) => void change(changed)}
        />
      ))}
      <Tag key={search.tag ?? ""} tag={search.tag ?? ""} change={(tag) => void change({ tag })} />
      {Object.values(asked).some((value) => value !== undefined) && <Link to="/runs">Clear all filters</Link>}
    </div>
  );
}

function Choice(props: { place: Place; search: RunSearch; names: string[]; change: (changed: RunSearch) => void }) {
  const { place, search } = props;
  const is = search[place.key];
  const isNot = search[place.not];
  // One of the address may not be among those that are known.
  const names = [...new Set([...props.names, ...[is, isNot].filter((name) => name !== undefined)])];
  const choose = (value: string) =>
    props.change({
      [place.key]: value.startsWith(IS) ? value.slice(IS.length) : undefined,
      [place.not]: value.startsWith(NOT) ? value.slice(NOT.length) : undefined,
    });
  return (
    <label className="flex items-center gap-2">
      {place.title}
      <select
        value={is ? IS + is : isNot ? NOT + isNot : ""}
        onChange={(event) => choose(event.target.value)}
        className={`${BOX} max-w-48`}
      >
        <option value="">any</option>
        {names.map((name) => (
          <option key={name} value={IS + name}>
            {name}
          </option>
        ))}
        <optgroup label="All but">
          {names.map((name) => (
            <option key={name} value={NOT + name}>
              not {name}
            </option>
          ))}
        </optgroup>
      </select>
    </label>
  );
}

/** Asked for when it is whole: on Enter, or when the field is left. */
function Tag({ tag, change }: { tag: string; change: (tag: string | undefined) => void }) {
  const [text, setText] = useState(tag);
  const done = () => {
    if (text.trim() !== tag) change(text.trim() || undefined);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") done();
  };
  return (
    <label className="flex items-center gap-2">
      Tag
      <input value={text} onChange={(event) => setText(event.target.value)} onBlur={done} onKeyDown={onKeyDown} className={`${BOX} w-32`} />
    </label>
  );
}
