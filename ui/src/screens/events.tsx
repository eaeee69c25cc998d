/** What has happened, the newest first, as it happens. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";

import type { components } from "../api/schema";
import * as ask from "../api/queries";
import { Empty, Failure, Loading, TextField, useTitle, When } from "../components/basics";
import { runOf } from "../lib/events";

type Happened = components["schemas"]["ReceivedEvent"];

export function Events() {
  useTitle("Events");
  const [words, setWords] = useState("");
  const found = useQuery({ ...ask.events(words.trim()), placeholderData: keepPreviousData });
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Events</h1>
      <form role="search" aria-label="Filter events" onSubmit={(event) => event.preventDefault()} className="flex gap-4">
        <TextField label="Text" type="search" value={words} change={setWords} />
        {found.data && <span className="text-faint">{found.data.total.toLocaleString()} in all</span>}
      </form>
      {found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading what="events" />
      ) : found.data.events.length === 0 ? (
        <Empty>{words ? "No event has these words." : "Nothing has happened yet."}</Empty>
      ) : (
        <ol aria-label="Events" className="flex flex-col">
          {found.data.events.map((event) => (
            <Line key={event.id} event={event} />
          ))}
        </ol>
      )}
    </div>
  );
}

function Line({ event }: { event: Happened }) {
  const run = runOf(event.resource);
  const name = event.resource["prefect.resource.name"] ?? event.resource["prefect.resource.id"];
  return (
    <li className="border-b border-line py-1.5">
      <details>
        <summary className="cursor-pointer">
          <span className="inline-flex flex-wrap gap-4">
            <When at={event.occurred} />
            <span className="font-medium">{event.event}</span>
            <span className="text-faint">{name}</span>
          </span>
        </summary>
        {run && (
          <Link to="/runs/$id" params={{ id: run }}>
            To the run
          </Link>
        )}
        <pre className="overflow-x-auto rounded border border-line bg-surface p-2 text-xs">
          {JSON.stringify({ resource: event.resource, related: event.related, payload: event.payload }, null, 2)}
        </pre>
      </details>
    </li>
  );
}
