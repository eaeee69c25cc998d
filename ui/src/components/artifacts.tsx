/** What a run has published: text, tables, links, how far it is. */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";

import type { components } from "../api/schema";
import * as ask from "../api/queries";
import { gridOf, isLink, isPicture, linked } from "../lib/artifacts";
import { Card, Failure, Table, When } from "./basics";

type Artifact = components["schemas"]["Artifact"];

/** More rows are to be looked at elsewhere. */
const MOST_ROWS = 100;
const MOST_TEXT = 200_000;
const BOX = "max-h-96 overflow-auto wrap-anywhere rounded border border-line bg-surface p-3";
const Markdown = lazy(() => import("./markdown"));

export function Artifacts({ run, task }: { run: string; task?: string }) {
  const found = useQuery(ask.artifacts(run, task));
  if (!found.data) return found.error && <Failure error={found.error} retry={() => void found.refetch()} />;
  if (found.data.length === 0) return null;
  return (
    <Card title="Artifacts">
      <ul className="flex flex-col gap-4">
        {found.data.map((artifact) => (
          <li key={artifact.id} className="flex flex-col gap-1">
            <p className="flex flex-wrap items-baseline gap-x-4">
              <span className="font-medium">{artifact.key ?? artifact.type}</span>
              {artifact.description && (
                <span className="text-faint wrap-anywhere">
                  <Linked text={artifact.description} />
                </span>
              )}
              <span className="text-faint">
                <When at={artifact.updated} />
              </span>
            </p>
            <Content artifact={artifact} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Content({ artifact: { type, data, key } }: { artifact: Artifact }) {
  if (type === "progress" && typeof data === "number") {
    return (
      <span className="flex items-center gap-3">
        <progress max={100} value={data} aria-label={key ?? "progress"} className="w-64 max-w-full" />
        {Math.round(data)} %
      </span>
    );
  }
  const grid = type === "table" ? gridOf(data) : null;
  if (grid) return <Grid name={key ?? "table"} columns={grid.columns} rows={grid.rows} />;
  const text = (typeof data === "string" ? data : JSON.stringify(data, null, 2)) ?? "";
  if (type === "image") return <Picture address={text} name={key ?? "picture"} />;
  if (type === "markdown") return <Typeset text={text} />;
  return (
    <p tabIndex={0} className={`${BOX} whitespace-pre-wrap`}>
      <Linked text={text} />
    </p>
  );
}

/** As text until what typesets it is there. */
function Typeset({ text }: { text: string }) {
  const shown = text.slice(0, MOST_TEXT);
  return (
    <div className={BOX} tabIndex={0}>
      <Suspense fallback={<p className="whitespace-pre-wrap">{shown}</p>}>
        <Markdown text={shown} />
      </Suspense>
      {text.length > MOST_TEXT && <p className="text-faint">The first {MOST_TEXT.toLocaleString()} characters.</p>}
    </div>
  );
}

function Picture({ address, name }: { address: string; name: string }) {
  if (isPicture(address, location.origin))
    return <img src={address} alt={name} className="max-h-96 max-w-full self-start rounded border border-line" />;
  if (!isLink(address)) return <p className={BOX}>{address}</p>;
  return (
    <p className={BOX}>
      <Linked text={address} /> <span className="text-faint">A picture from elsewhere is not loaded here.</span>
    </p>
  );
}

function Linked({ text }: { text: string }) {
  return linked(text).map((part, index) =>
    part.href ? (
      <a key={index} href={part.href} rel="noreferrer noopener" target="_blank" className="underline">
        {part.text}
      </a>
    ) : (
      <span key={index}>{part.text}</span>
    ),
  );
}

interface Row {
  id: string;
  cells: unknown[];
}

function Grid({ name, columns, rows }: { name: string; columns: string[]; rows: unknown[][] }) {
  const shown: Row[] = rows.slice(0, MOST_ROWS).map((cells, index) => ({ cells, id: String(index) }));
  return (
    <>
      <Table
        label={name}
        rows={shown}
        id={(row) => row.id}
        columns={columns.map((title, at) => ({
          title,
          cell: ({ cells }: Row) => (typeof cells[at] === "string" ? cells[at] : JSON.stringify(cells[at])),
        }))}
      />
      {rows.length > MOST_ROWS && <p className="text-faint">The first {MOST_ROWS} of {rows.length} rows.</p>}
    </>
  );
}
