/** CPU, memory and disk of the worker's machine, on the time axis of the tasks above. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { type Line, linesOf, percent, polyline, type Reading } from "../lib/host";
import { hasEnded } from "../lib/states";
import type { View } from "../lib/timeline";

/** A colour and a pattern each. */
const STYLES: Record<Line["name"], { colour: string; dash?: string }> = {
  CPU: { colour: "var(--busy)" },
  Memory: { colour: "var(--warn)", dash: "6 3" },
  Disk: { colour: "var(--faint)", dash: "2 3" },
};
const [WIDTH, HEIGHT] = [1000, 60];

export function RunHost({ run, view }: { run: FlowRun; view: View }) {
  const found = useQuery(ask.hostOfRun(run.id, hasEnded(run.state_type)));
  return <HostChart readings={found.data ?? []} view={view} title={`The machine of ${run.worker_name ?? "the worker"}`} />;
}

export function HostChart({ readings, view, title }: { readings: Reading[]; view: View; title: string }) {
  const lines = useMemo(() => linesOf(readings), [readings]);
  if (lines.length === 0) return null;
  return (
    <figure className="mt-3 flex flex-col gap-1">
      <figcaption className="flex flex-wrap gap-5">
        <span className="text-faint">{title}</span>
        {lines.map((line) => (
          <span key={line.name} className="flex items-center gap-2">
            <svg aria-hidden="true" width="24" height="8">
              <line x1="0" x2="24" y1="4" y2="4" stroke={STYLES[line.name].colour} strokeWidth="2" strokeDasharray={STYLES[line.name].dash} />
            </svg>
            {line.name}: {percent(line.points.at(-1)?.[1] ?? 0)}, {percent(line.most)} at most
          </span>
        ))}
      </figcaption>
      <svg
        role="img"
        aria-label={`${title}: ${lines.map((line) => `${line.name} ${percent(line.most)} at most`).join(", ")}`}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-20 w-full rounded border border-line bg-surface"
      >
        {lines.map((line) => (
          <polyline
            key={line.name}
            points={polyline(line.points, view, WIDTH, HEIGHT)}
            fill="none"
            stroke={STYLES[line.name].colour}
            strokeDasharray={STYLES[line.name].dash}
            strokeWidth="2"
            vectorEffect="non-scaling-stroke"
          />
        ))}
      </svg>
    </figure>
  );
}
