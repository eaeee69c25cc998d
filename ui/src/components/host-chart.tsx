/** CPU, memory and disk of the worker's machine, and what a run took of it, on the time axis of the tasks above. */
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, useState } from "react";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { type Axis, axisOf, placeOf, type View } from "../lib/axis";
import { type LineName, linesOf, percent, type Reading } from "../lib/host";
import { hasEnded } from "../lib/states";
import { clock } from "../lib/time";
import type { Series } from "./chart";
import { gutterOf, MARGIN } from "./timeline-paint";

const Chart = lazy(() => import("./chart"));

/** A colour and a pattern each. */
const STYLES: Record<LineName, { tone: string; dash: number[] }> = {
  CPU: { tone: "busy", dash: [] },
  Memory: { tone: "warn", dash: [7, 3] },
  Disk: { tone: "faint", dash: [2, 3] },
  "CPU of the run": { tone: "good", dash: [12, 4] },
  "Memory of the run": { tone: "good", dash: [4, 4] },
};
const HEIGHT = 96;

export function RunHost({ run, axis, view }: { run: FlowRun; axis: Axis; view: View }) {
  const found = useQuery(ask.hostOfRun(run.id, hasEnded(run.state_type)));
  return <Figures readings={found.data ?? []} axis={axis} view={view} title={`The machine of ${run.worker_name ?? "the worker"}`} />;
}

/** Over an axis of its own. */
export function HostChart({ readings, view, title }: { readings: Reading[]; view: View; title: string }) {
  const { from, to } = view;
  const axis = useMemo(() => axisOf({ from, to }, [], false), [from, to]);
  return <Figures readings={readings} axis={axis} view={{ from: 0, to: axis.length }} title={title} />;
}

function Figures({ readings, axis, view, title }: { readings: Reading[]; axis: Axis; view: View; title: string }) {
  const lines = useMemo(() => linesOf(readings), [readings]);
  const [at, setAt] = useState<number | null>(null);
  const places = useMemo(() => readings.map((reading) => placeOf(axis, Date.parse(reading.at))), [readings, axis]);
  const series = useMemo(
    () => lines.map((line): Series => ({ name: line.name, ...STYLES[line.name], values: line.values })),
    [lines],
  );
  if (lines.length === 0) return null;
  const pointed = at === null ? undefined : readings[at];
  return (
    <figure className="mt-1 flex flex-col gap-1">
      <figcaption className="flex flex-wrap gap-x-5 gap-y-1 text-xs">
        <span className="text-faint">
          {title}
          {pointed && ` at ${clock(pointed.at).slice(0, 8)}`}
        </span>
        {lines.map((line) => (
          <span key={line.name} className="flex items-center gap-2">
            <Sample name={line.name} />
            {line.name} {line.words[at !== null && pointed ? at : line.last]}, {line.words[line.most]} at most
          </span>
        ))}
      </figcaption>
      <div
        role="img"
        aria-label={`${title}: ${lines.map((line) => `${line.name} ${line.words[line.most]} at most`).join(", ")}`}
        className="overflow-y-hidden rounded border border-line bg-surface [scrollbar-gutter:stable]"
      >
        <Suspense fallback={<div style={{ height: HEIGHT }} />}>
          <Chart places={places} view={view} series={series} height={HEIGHT} gutter={gutterOf} margin={MARGIN} say={percent} point={setAt} />
        </Suspense>
      </div>
    </figure>
  );
}

function Sample({ name }: { name: LineName }) {
  const { tone, dash } = STYLES[name];
  return (
    <svg aria-hidden="true" width="24" height="8">
      <line x1="0" x2="24" y1="4" y2="4" stroke={`var(--${tone})`} strokeWidth="2" strokeDasharray={dash.join(" ") || undefined} />
    </svg>
  );
}
