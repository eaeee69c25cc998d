/** What is done to several runs at once. */
import { api, type FlowRun, good, Refusal } from "../api/client";
import { hasEnded } from "../lib/states";
import { useAct } from "./act";
import { Button, Failure } from "./basics";
import { Confirm } from "./dialogs";
import { CancelSays, DeleteSays } from "./run-warnings";

interface Outcome {
  what: string;
  done: number;
  /** Why some were left as they are, each reason once. */
  refused: string[];
}

async function cancel(runs: FlowRun[]): Promise<Outcome> {
  const body = { flow_runs: { id: { any_: idsOf(runs) } }, state: { type: "CANCELLING" } } as const;
  const { results } = await good(api.POST("/api/flow_runs/bulk_set_state", { body }));
  const refused = results.filter((each) => each.status !== "ACCEPT" && each.status !== "REJECT");
  const reasons = refused.map((each) => String((each.details as { reason?: unknown }).reason ?? each.status));
  return { what: "cancelled", done: results.length - refused.length, refused: [...new Set(reasons)] };
}

async function runAgain(runs: FlowRun[]): Promise<Outcome> {
  const outcome: Outcome = { what: "run again", done: 0, refused: [] };
  for (const run of runs) {
    try {
      await good(api.POST("/api/flow_runs/{run_id}/rerun", { params: { path: { run_id: run.id } }, body: null }));
      outcome.done += 1;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (!outcome.refused.includes(error.message)) outcome.refused.push(error.message);
    }
  }
  return outcome;
}

async function remove(runs: FlowRun[]): Promise<Outcome> {
  const body = { flow_runs: { id: { any_: idsOf(runs) } } };
  const { deleted } = await good(api.POST("/api/flow_runs/bulk_delete", { body }));
  const left = runs.length - deleted.length;
  return { what: "deleted", done: deleted.length, refused: left > 0 ? [`${left} could not be deleted.`] : [] };
}

function idsOf(runs: FlowRun[]): string[] {
  return runs.map((run) => run.id);
}

export function Bulk({ runs, done }: { runs: FlowRun[]; done: () => void }) {
  const act = useAct((action: () => Promise<Outcome>) => action(), done);
  const open = runs.filter((run) => !hasEnded(run.state_type));
  const ended = runs.filter((run) => hasEnded(run.state_type) && run.deployment_id);
  if (runs.length === 0) return <Told outcome={act.data} error={act.error} />;
  return (
    <section aria-label="Chosen runs" className="flex flex-wrap items-center gap-3 rounded border border-line bg-raised px-3 py-2">
      <span>{runs.length} chosen</span>
      <Confirm
        title={`Cancel ${counted(open)}?`}
        says={<CancelSays />}
        yes={`Yes, cancel ${open.length}`}
        act={() => act.mutate(() => cancel(open))}
        isDanger
        trigger={
          <Button danger disabled={open.length === 0 || act.isPending}>
            Cancel {open.length}
          </Button>
        }
      />
      <Button disabled={ended.length === 0 || act.isPending} onClick={() => act.mutate(() => runAgain(ended))}>
        Run {ended.length} again
      </Button>
      <Confirm
        title={`Delete ${counted(runs)}?`}
        says={<DeleteSays running={open.length} />}
        yes={`Yes, delete ${runs.length}`}
        act={() => act.mutate(() => remove(runs))}
        isDanger
        trigger={
          <Button danger disabled={act.isPending}>
            Delete {runs.length}
          </Button>
        }
      />
      {act.error && <Failure error={act.error} />}
    </section>
  );
}

function counted(runs: FlowRun[]): string {
  return runs.length === 1 ? `the run ${runs[0]?.name}` : `${runs.length} runs`;
}

function Told({ outcome, error }: { outcome?: Outcome; error: Error | null }) {
  if (error) return <Failure error={error} />;
  if (!outcome) return null;
  return (
    <p role="status">
      {outcome.done} {outcome.what}. {outcome.refused.join(" ")}
    </p>
  );
}
