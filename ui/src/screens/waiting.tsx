/** Why a scheduled run is not running: the control plane says it, and what helps. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import type { FlowRun, Reason } from "../api/client";
import * as ask from "../api/place-queries";
import { Card, Command, Failure, When } from "../components/basics";

export function Waiting({ run }: { run: FlowRun }) {
  const found = useQuery(ask.waiting(run.id));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return null;
  const { due_at: due, reasons } = found.data;
  return (
    <Card title="Why it is not running">
      <ul aria-label="Reasons" className="flex flex-col gap-3">
        {reasons.map((reason) => (
          <Line key={reason.code} reason={reason} pool={run.work_pool_name} />
        ))}
      </ul>
      {due && (
        <p className="mt-3 text-faint">
          Due <When at={due} />.
        </p>
      )}
    </Card>
  );
}

function Line({ reason, pool }: { reason: Reason; pool?: string | null }) {
  return (
    <li className="flex flex-col gap-1">
      <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">{reason.text}</span>
        {reason.last_heard_at && (
          <span className="text-faint">
            Last heard <When at={reason.last_heard_at} />.
          </span>
        )}
        <About about={reason.about} pool={pool} />
      </span>
      <Holders reason={reason} />
      {reason.advice && (
        <span className="flex flex-wrap items-center gap-3 text-faint">
          {reason.advice}
          {reason.command && <Command text={reason.command} />}
        </span>
      )}
    </li>
  );
}

/** The way to what the reason is about. */
function About({ about, pool }: { about: Reason["about"]; pool?: string | null }) {
  if (!about) return null;
  if (about.kind === "deployment")
    return (
      <Link to="/deployments/$id" params={{ id: about.id }}>
        Open the deployment
      </Link>
    );
  const name = about.kind === "work_pool" ? about.name : pool;
  if (!name) return null;
  return (
    <Link to="/pools/$name" params={{ name }}>
      Open the work pool
    </Link>
  );
}

function Holders({ reason }: { reason: Reason }) {
  const holders = reason.holders ?? [];
  if (holders.length === 0) return null;
  const rest = (reason.holder_count ?? 0) - holders.length;
  return (
    <span className="flex flex-wrap gap-x-3">
      <span className="text-faint">The slots have:</span>
      {holders.map((holder) => (
        <Link key={holder.id} to="/runs/$id" params={{ id: holder.id }}>
          {holder.name}
        </Link>
      ))}
      {rest > 0 && <span className="text-faint">and {rest} more</span>}
    </span>
  );
}
