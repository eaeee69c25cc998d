/** What a run has published: text, tables, links, how far it is. */
import { useQuery } from "@tanstack/react-query";

import type { components } from "../api/schema";
import * as ask from "../api/queries";
import { gridOf, linked } from "../lib/artifacts";
import { Card, Table, When } from "./basics";

type Artifact = components["schemas"]["Artifact"];

/** More rows are to be looked at elsewhere. */
const MOST_ROWS = 100;

export function Artifacts({ run, task }: { run: string; task?: string }) {
  const found = useQuery(ask.artifacts(run, task));
  if (!found.data || found.data.length === 0) return null;
  return (
    <Card title="Artifacts">
      <ul className="flex flex-col gap-4">
        {found.data.map((artifact) => (
          <li key={artifact.id} className="flex flex-col gap-1">
            <p className="flex flex-wrap gap-4">
              <span className="font-medium">{artifact.key ?? artifact.type}</span>
              <span className="text-faint">{artifact.description}</span>
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
        <progress max={100} value={data} aria-label={key ?? "progress"} />
        {Math.round(data)} %
      </span>
    );
  }
  const grid = type === "table" ? gridOf(data) : null;
  if (grid) return <Grid name={key ?? "table"} columns={grid.columns} rows={grid.rows} />;
  const text = typeof data === "string" ? data : JSON.stringify(data, null, 2);
  return (
    <p className="max-h-96 overflow-auto whitespace-pre-wrap wrap-anywhere rounded border border-line bg-surface p-3">
      {linked(text ?? "").map((part, index) =>
        part.href ? (
          <a key={index} href={part.href} rel="noreferrer noopener" target="_blank">
            {part.text}
          </a>
        ) : (
          <span key={index}>{part.text}</span>
        ),
      )}
    </p>
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
