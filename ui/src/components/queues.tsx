/** The queues of a pool, in the order in which they are served. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { api, good, type WorkPool, type WorkQueue } from "../api/client";
import * as ask from "../api/place-queries";
import { useAct } from "./act";
import { Button, Delete, Failure, Loading, Table, TextField } from "./basics";
import { LimitField } from "./limit-field";
import { Mark, Slots } from "./places";

type Change = { queue: WorkQueue; body: { is_paused?: boolean; concurrency_limit?: number | null; priority?: number } };

const pathOf = (pool: WorkPool, queue: string) => ({ params: { path: { name: pool.name, queue_name: queue } } });

export function Queues({ pool }: { pool: WorkPool }) {
  const found = useQuery(ask.queues(pool.name));
  const change = useAct(({ queue, body }: Change) =>
    good(api.PATCH("/api/work_pools/{name}/queues/{queue_name}", { ...pathOf(pool, queue.name), body })),
  );
  const remove = useAct((name: string) =>
    good(api.DELETE("/api/work_pools/{name}/queues/{queue_name}", pathOf(pool, name))),
  );
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="queues" />;
  const queues = found.data;
  const failed = change.error ?? remove.error;
  return (
    <div className="flex flex-col gap-3">
      {failed && <Failure error={failed} />}
      <Table
        label="Queues"
        rows={queues}
        id={(queue) => queue.id}
        columns={[
          { title: "Priority", cell: (queue) => queue.priority },
          {
            title: "Order",
            cell: (queue) => <Order queues={queues} queue={queue} change={change.mutate} />,
          },
          {
            title: "Queue",
            wide: true,
            cell: (queue) => (
              <span className="whitespace-nowrap">
                {queue.name}
                {queue.id === pool.default_queue_id && (
                  <span className="text-faint" title="The queue of runs that name none"> · the pool's own</span>
                )}
              </span>
            ),
          },
          { title: "Status", cell: (queue) => <Status queue={queue} /> },
          { title: "In use", cell: (queue) => <Slots taken={queue.active_slots ?? 0} limit={queue.concurrency_limit} /> },
          {
            title: "Limit",
            cell: (queue) => (
              <LimitField
                of={queue.name}
                limit={queue.concurrency_limit}
                keep={(limit) => change.mutate({ queue, body: { concurrency_limit: limit } })}
              />
            ),
          },
          {
            title: "Action",
            cell: (queue) => (
              <span className="flex items-center gap-3">
                <Button onClick={() => change.mutate({ queue, body: { is_paused: !queue.is_paused } })}>
                  {queue.is_paused ? "Resume" : "Pause"}
                </Button>
                {queue.id !== pool.default_queue_id && <Delete name={queue.name} act={() => remove.mutate(queue.name)} />}
              </span>
            ),
          },
        ]}
      />
      <NewQueue pool={pool} />
    </div>
  );
}

function Status({ queue }: { queue: WorkQueue }) {
  if (queue.is_paused) return <Mark tone="text-warn" shape="Ⅱ">Paused</Mark>;
  if (queue.status === "READY") return <Mark tone="text-good" shape="●">Served</Mark>;
  return <Mark tone="text-warn" shape="○">Not polled</Mark>;
}

/** One place earlier or later: whoever stood there moves back. */
function Order(props: { queues: WorkQueue[]; queue: WorkQueue; change: (change: Change) => void }) {
  const { queues, queue } = props;
  const at = queues.indexOf(queue);
  const before = queues[at - 1];
  const after = queues[at + 1];
  return (
    <span className="flex gap-1">
      <Step
        label={`Serve ${queue.name} earlier`}
        shape="↑"
        act={before && (() => props.change({ queue, body: { priority: before.priority ?? 1 } }))}
      />
      <Step
        label={`Serve ${queue.name} later`}
        shape="↓"
        act={after && (() => props.change({ queue: after, body: { priority: queue.priority ?? 1 } }))}
      />
    </span>
  );
}

function Step({ label, shape, act }: { label: string; shape: string; act?: () => void }) {
  return (
    <button
      type="button"
      aria-label={label}
      disabled={!act}
      onClick={act}
      className="cursor-pointer rounded border border-line px-1.5 text-link disabled:cursor-default disabled:text-faint"
    >
      {shape}
    </button>
  );
}

function NewQueue({ pool }: { pool: WorkPool }) {
  const [name, setName] = useState("");
  const [priority, setPriority] = useState("");
  const [limit, setLimit] = useState("");
  const make = useAct(
    () => {
      const body = {
        name,
        ...(priority !== "" && { priority: Number(priority) }),
        ...(limit !== "" && { concurrency_limit: Number(limit) }),
      };
      return good(api.POST("/api/work_pools/{name}/queues", { params: { path: { name: pool.name } }, body }));
    },
    () => [setName, setPriority, setLimit].forEach((set) => set("")),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(undefined);
  };
  return (
    <>
      <form onSubmit={submit} aria-label="Make a queue" className="flex flex-wrap items-center gap-4">
        <TextField label="New queue" value={name} change={setName} />
        <TextField label="Priority" type="number" value={priority} change={setPriority} />
        <TextField label="Limit" type="number" value={limit} change={setLimit} />
        <Button type="submit" disabled={name === "" || make.isPending}>
          Make it
        </Button>
      </form>
      {make.error && <Failure error={make.error} />}
    </>
  );
}
