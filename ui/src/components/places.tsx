/** The small parts of the pages of pools, queues and deployments. */
import type { ReactNode } from "react";

import type { Deployment, WorkPool } from "../api/client";

/** Whether somebody serves the pool; `due` runs wait in it. */
export function WorkPoolStatus({ pool, due }: { pool: WorkPool; due: number }) {
  if (pool.is_paused) return <Mark tone="text-warn" shape="Ⅱ">Paused</Mark>;
  if (pool.status === "READY") return <Mark tone="text-good" shape="●">Ready</Mark>;
  const waits = due > 0 ? `: ${due.toLocaleString()} waiting` : "";
  return <Mark tone={due > 0 ? "text-bad" : "text-warn"} shape="○">{`No worker online${waits}`}</Mark>;
}

/** Whether runs of the deployment would be started. */
export function DeploymentStatus({ deployment }: { deployment: Deployment }) {
  if (deployment.paused) return <Mark tone="text-warn" shape="Ⅱ">Paused</Mark>;
  if (deployment.status === "READY") return <Mark tone="text-good" shape="●">Ready</Mark>;
  return <Mark tone="text-warn" shape="○">No worker</Mark>;
}

/** A word with a shape and a colour. */
export function Mark({ tone, shape, children }: { tone: string; shape: string; children: ReactNode }) {
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium ${tone}`}>
      <span aria-hidden="true">{shape}</span>
      {children}
    </span>
  );
}

export function Slots({ taken, limit }: { taken: number; limit?: number | null }) {
  if (limit == null) return <>{taken.toLocaleString()}, no limit</>;
  return (
    <span className="flex items-center gap-2">
      <meter min={0} max={Math.max(1, limit)} value={taken} aria-label={`${taken} of ${limit} slots in use`} />
      {taken} of {limit}
    </span>
  );
}

/** Facts in one line, each under its name. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2">
      {facts.map(([name, value]) => (
        <div key={name} className="flex flex-col">
          <dt className="text-xs text-faint">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export const BOX = "rounded border border-line bg-surface px-2 py-1";
