/** What about a deployment may be changed beside its code and its schedules. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";

import { api, type Deployment, good } from "../api/client";
import * as ask from "../api/place-queries";
import { pools as allPools } from "../api/queries";
import { fieldsOf, filled } from "../lib/parameters";
import { useAct } from "./act";
import { Button, Card, Failure } from "./basics";
import { BOX } from "./places";
import { Input } from "./run-form";

type Collision = "ENQUEUE" | "CANCEL_NEW";

export function DeploymentForm({ deployment, close }: { deployment: Deployment; close: () => void }) {
  const [description, setDescription] = useState(deployment.description ?? "");
  const [tags, setTags] = useState(deployment.tags?.join(", ") ?? "");
  const [pool, setPool] = useState(deployment.work_pool_name ?? "");
  const [queue, setQueue] = useState(deployment.work_queue_name ?? "");
  const [limit, setLimit] = useState(deployment.concurrency_limit?.toString() ?? "");
  const [collision, setCollision] = useState<Collision>(deployment.concurrency_options?.collision_strategy ?? "ENQUEUE");
  const [typed, setTyped] = useState<Record<string, string>>({});
  const given = deployment.parameters ?? {};
  const fields = fieldsOf(deployment.parameter_openapi_schema, given).map((field) => ({ ...field, isRequired: false }));
  // What the flow itself says stays the flow's own, until somebody types another value.
  const own = fields.filter((field) => field.name in given || typed[field.name] !== undefined);
  const { values, errors } = filled(own, typed);
  const save = useAct(
    () =>
      good(
        api.PATCH("/api/deployments/{deployment_id}", {
          params: { path: { deployment_id: deployment.id } },
          body: {
            description,
            tags: tags.split(",").map((tag) => tag.trim()).filter(Boolean),
            parameters: values,
            concurrency_limit: limit.trim() === "" ? null : Number(limit),
            concurrency_options: limit.trim() === "" ? null : { collision_strategy: collision },
            ...(pool !== "" && { work_pool_name: pool, work_queue_name: queue || null }),
          },
        }),
      ),
    close,
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.keys(errors).length === 0) save.mutate(undefined);
  };
  return (
    <Card title={`Edit ${deployment.name}`}>
      <form onSubmit={submit} noValidate aria-label="Edit the deployment" className="flex flex-col gap-4">
        <div className="grid gap-x-8 gap-y-3 lg:grid-cols-2">
          <Labelled label="Description">
            <textarea rows={3} value={description} onChange={(event) => setDescription(event.target.value)} className={BOX} />
          </Labelled>
          <Labelled label="Tags, with commas between them">
            <input value={tags} onChange={(event) => setTags(event.target.value)} className={BOX} />
          </Labelled>
          <Place pool={pool} queue={queue} setPool={setPool} setQueue={setQueue} />
          <Labelled label="How many at once; empty: no limit">
            <input type="number" min={1} value={limit} onChange={(event) => setLimit(event.target.value)} className={BOX} />
          </Labelled>
          <Labelled label="Beyond that">
            <select value={collision} onChange={(event) => setCollision(event.target.value as Collision)} className={BOX}>
              <option value="ENQUEUE">runs wait for a slot</option>
              <option value="CANCEL_NEW">new runs are cancelled</option>
            </select>
          </Labelled>
        </div>
        {fields.length > 0 && <h3 className="font-medium">Parameters, where a run names no others</h3>}
        <div className="grid gap-x-8 gap-y-3 lg:grid-cols-2">
          {fields.map((field) => (
            <Input
              key={field.name}
              field={field}
              value={typed[field.name] ?? field.initial}
              error={errors[field.name]}
              change={(text) => setTyped((before) => ({ ...before, [field.name]: text }))}
            />
          ))}
        </div>
        {save.error && <Failure error={save.error} />}
        <span className="flex gap-2">
          <Button type="submit" disabled={save.isPending}>
            Save
          </Button>
          <Button onClick={close}>Leave it</Button>
        </span>
      </form>
    </Card>
  );
}

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <label className="flex flex-col gap-1">
      <span className="font-medium">{label}</span>
      {children}
    </label>
  );
}

function Place(props: { pool: string; queue: string; setPool: (name: string) => void; setQueue: (name: string) => void }) {
  const pools = useQuery(allPools);
  const queues = useQuery({ ...ask.queues(props.pool), enabled: props.pool !== "" });
  const choose = (name: string) => {
    props.setPool(name);
    props.setQueue("");
  };
  return (
    <>
      <Labelled label="Work pool">
        <select value={props.pool} onChange={(event) => choose(event.target.value)} className={BOX}>
          {props.pool === "" && <option value="">none: a process serves it</option>}
          {pools.data?.map((each) => <option key={each.id}>{each.name}</option>)}
        </select>
      </Labelled>
      <Labelled label="Queue">
        <select value={props.queue} onChange={(event) => props.setQueue(event.target.value)} className={BOX}>
          <option value="">the pool's own</option>
          {queues.data?.map((each) => <option key={each.id}>{each.name}</option>)}
        </select>
      </Labelled>
    </>
  );
}
