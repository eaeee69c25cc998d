/** A run of a deployment: a field for each parameter, made from its schema. */
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useMemo, useState } from "react";

import { api, type Deployment, good } from "../api/client";
import { type Field, fieldsOf, filled } from "../lib/parameters";
import { fromField } from "../lib/time";
import { useAct } from "./act";
import { Button, Card, Failure } from "./basics";
import { InstantField } from "./instant-field";

const BOX = "rounded border border-line bg-surface px-2 py-1";

export function RunForm({ deployment, close }: { deployment: Deployment; close: () => void }) {
  return (
    <Card title={`Run ${deployment.name}`}>
      <RunFields deployment={deployment} close={close} />
    </Card>
  );
}

/** `given`: the parameters of a run that is to be done again, changed or not. */
export function RunFields(props: { deployment: Deployment; given?: Record<string, unknown>; close: () => void }) {
  const { deployment, given } = props;
  const navigate = useNavigate();
  const fields = useMemo(
    () => fieldsOf(deployment.parameter_openapi_schema, { ...deployment.parameters, ...given }),
    [deployment, given],
  );
  const [typed, setTyped] = useState<Record<string, string>>({});
  const [due, setDue] = useState("");
  const [errors, setErrors] = useState<Record<string, string>>({});
  const start = useAct(
    (parameters: Record<string, unknown>) =>
      good(
        api.POST("/api/deployments/{deployment_id}/create_flow_run", {
          params: { path: { deployment_id: deployment.id } },
          body: { parameters, ...stateOf(due) },
        }),
      ),
    (run) => void navigate({ to: "/runs/$id", params: { id: run.id } }).then(props.close),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = filled(fields, typed);
    setErrors(found.errors);
    if (Object.keys(found.errors).length === 0) start.mutate(found.values);
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col items-start gap-3">
      {fields.length === 0 && <p className="text-faint">It takes no parameters.</p>}
      {fields.map((field) => (
        <Input
          key={field.name}
          field={field}
          value={typed[field.name] ?? field.initial}
          error={errors[field.name]}
          change={(text) => setTyped((before) => ({ ...before, [field.name]: text }))}
        />
      ))}
      <InstantField label="Due" hint="empty: now" value={due} change={setDue} />
      {start.error && <Failure error={start.error} />}
      <span className="flex gap-2">
        <Button type="submit" disabled={start.isPending}>
          Start
        </Button>
        <Button onClick={props.close}>Leave it</Button>
      </span>
    </form>
  );
}

function stateOf(due: string) {
  const at = fromField(due);
  if (!at) return {};
  return { state: { type: "SCHEDULED" as const, state_details: { scheduled_time: at.toISOString() } } };
}

/** `none`: what an empty choice means. */
export function Input(props: {
  field: Field;
  value: string;
  error?: string;
  none?: string;
  change: (text: string) => void;
}) {
  const { field, value, error } = props;
  const id = `parameter-${field.name}`;
  const shared = {
    id,
    value,
    "aria-invalid": error !== undefined,
    "aria-describedby": `${id}-about`,
    className: BOX,
    onChange: (event: { target: { value: string } }) => props.change(event.target.value),
  };
  const choices = field.kind === "boolean" ? ["true", "false"] : field.choices;
  return (
    <div className="flex w-full max-w-xl flex-col gap-1">
      <label htmlFor={id} className="font-medium">
        {field.title}
        {field.isRequired && <span className="text-faint"> (required)</span>}
      </label>
      {choices ? (
        <select {...shared}>
          {!field.isRequired && <option value="">{props.none ?? "as the flow says"}</option>}
          {choices.map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : field.kind === "json" ? (
        <textarea rows={3} {...shared} className={`${BOX} font-mono text-xs`} />
      ) : (
        <input type="text" inputMode={field.kind === "number" || field.kind === "integer" ? "decimal" : "text"} {...shared} />
      )}
      <span id={`${id}-about`} className={error ? "text-bad" : "text-faint"} role={error ? "alert" : undefined}>
        {error ?? field.description ?? (field.kind === "json" ? "JSON" : "")}
      </span>
    </div>
  );
}
