/** What can be done with a run, as far as its state allows it. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { api, type FlowRun, good } from "../api/client";
import * as places from "../api/place-queries";
import { command, runCommand } from "../lib/commands";
import { hasEnded } from "../lib/states";
import { useAct } from "./act";
import { Button, Failure, useCopy } from "./basics";
import { Confirm, Dialog } from "./dialogs";
import { Menu, type MenuItem } from "./overlays";
import { RunFields } from "./run-form";
import { CancelSays, DeleteSays, PauseSays } from "./run-warnings";

export function RunActions({ run }: { run: FlowRun }) {
  const path = { params: { path: { run_id: run.id } } };
  const resume = useAct(() => good(api.POST("/api/flow_runs/{run_id}/resume", { ...path, body: null })));
  const again = useAct(() => good(api.POST("/api/flow_runs/{run_id}/rerun", { ...path, body: null })));
  const error = resume.error ?? again.error;
  return (
    <span className="ml-auto flex flex-wrap items-center justify-end gap-2">
      {again.data && (
        <Link to="/runs/$id" params={{ id: again.data.id }}>
          {again.data.name}, attempt {again.data.attempt}
        </Link>
      )}
      {run.state_type === "PAUSED" && (
        <Button disabled={resume.isPending} onClick={() => resume.mutate(undefined)}>
          Resume
        </Button>
      )}
      <Pause run={run} />
      <Cancel run={run} />
      {hasEnded(run.state_type) && run.deployment_id && (
        <Button disabled={again.isPending} onClick={() => again.mutate(undefined)}>
          Run again
        </Button>
      )}
      <CopyMenu run={run} />
      <More run={run} />
      {error && <Failure error={error} />}
    </span>
  );
}

/** Only a run that a worker can begin anew: it has a deployment, and is no part of another one. */
function Pause({ run }: { run: FlowRun }) {
  const pause = useAct(async () => {
    const body = { state: { type: "PAUSED", name: "Suspended", state_details: { pause_reschedule: true } } } as const;
    const decided = await good(
      api.POST("/api/flow_runs/{run_id}/set_state", { params: { path: { run_id: run.id } }, body }),
    );
    if (decided.status !== "ACCEPT") throw new Error(reasonOf(decided.details));
  });
  if (run.state_type !== "RUNNING" || !run.deployment_id || run.parent_task_run_id) return null;
  return (
    <>
      <Confirm
        title={`Pause ${run.name}?`}
        says={<PauseSays />}
        yes="Yes, pause"
        act={() => pause.mutate(undefined)}
        trigger={<Button disabled={pause.isPending}>Pause</Button>}
      />
      {pause.error && <Failure error={pause.error} />}
    </>
  );
}

function reasonOf(details: unknown): string {
  const reason = (details as { reason?: unknown } | null)?.reason;
  return typeof reason === "string" ? reason : "The control plane decided otherwise.";
}

function Cancel({ run }: { run: FlowRun }) {
  const cancel = useAct(() =>
    good(
      api.POST("/api/flow_runs/{run_id}/set_state", {
        params: { path: { run_id: run.id } },
        body: { state: { type: "CANCELLING" } },
      }),
    ),
  );
  if (hasEnded(run.state_type)) return null;
  return (
    <>
      <Confirm
        title={`Cancel ${run.name}?`}
        says={<CancelSays state={run.state_type} />}
        yes="Yes, cancel"
        act={() => cancel.mutate(undefined)}
        isDanger
        trigger={
          <Button danger disabled={cancel.isPending}>
            Cancel
          </Button>
        }
      />
      {cancel.error && <Failure error={cancel.error} />}
    </>
  );
}

/** What does the same, or shows the same, on the command line. */
function CopyMenu({ run }: { run: FlowRun }) {
  const [copied, copy] = useCopy();
  const flow = useQuery(places.flow(run.flow_id)).data;
  const deployment = useQuery(places.deployment(run.deployment_id)).data;
  const item = (label: string, text: string): MenuItem => ({ label, hint: text, act: () => void copy(text) });
  const again =
    flow && deployment
      ? [item("Run with these parameters", runCommand(`${flow.name}/${deployment.name}`, run.parameters ?? {}))]
      : [];
  const change = hasEnded(run.state_type)
    ? run.deployment_id
      ? [item("Run again", command("flow-run", "retry", run.id, "--watch"))]
      : []
    : [item("Cancel", command("flow-run", "cancel", run.id))];
  return (
    <Menu
      label={copied ? "Copied" : "Copy as command"}
      groups={[
        [
          item("Inspect", command("flow-run", "inspect", run.id)),
          item("Follow the log", command("flow-run", "logs", run.id, "--follow")),
          item("Wait for its end", command("flow-run", "watch", run.id)),
        ],
        [...again, ...change],
        [item("Only its id", run.id)],
      ]}
    />
  );
}

function More({ run }: { run: FlowRun }) {
  const navigate = useNavigate();
  const deployment = useQuery(places.deployment(run.deployment_id)).data;
  const [opened, setOpened] = useState<"form" | "delete" | null>(null);
  const close = () => setOpened(null);
  const remove = useAct(
    () => good(api.DELETE("/api/flow_runs/{run_id}", { params: { path: { run_id: run.id } } })),
    () => void navigate({ to: "/runs" }),
  );
  return (
    <>
      <Menu
        label="More"
        groups={[
          deployment ? [{ label: "Run with changed parameters …", act: () => setOpened("form") }] : [],
          [{ label: "Delete …", act: () => setOpened("delete"), isDanger: true }],
        ]}
      />
      <Confirm
        title={`Delete ${run.name}?`}
        says={<DeleteSays running={hasEnded(run.state_type) ? 0 : 1} />}
        yes="Yes, delete"
        act={() => remove.mutate(undefined)}
        isDanger
        isOpen={opened === "delete"}
        change={(isOpen) => !isOpen && close()}
      />
      {deployment && (
        <Dialog
          title={`Run ${deployment.name} again`}
          isWide
          isOpen={opened === "form"}
          change={(isOpen) => !isOpen && close()}
        >
          <RunFields deployment={deployment} given={run.parameters ?? {}} close={close} />
        </Dialog>
      )}
      {remove.error && <Failure error={remove.error} />}
    </>
  );
}
