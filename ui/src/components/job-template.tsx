/** What the runs of a pool start with: its defaults as a form, and the whole template as JSON. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, good, type WorkPool } from "../api/client";
import * as ask from "../api/place-queries";
import { defaultFields, type Difference, differences, type Json, lineOf, parsed, shown, withDefaults } from "../lib/template";
import { useAct } from "./act";
import { Button, Failure, Table } from "./basics";
import { LineEditor } from "./line-editor";
import { Input } from "./run-form";

export function JobTemplate({ pool }: { pool: WorkPool }) {
  const [how, setHow] = useState<"form" | "json">("form");
  const types = useQuery(ask.workerTypes);
  const kept = (pool.base_job_template ?? {}) as Json;
  const own = types.data?.[pool.type]?.default_base_job_configuration;
  const save = useAct((template: Json) =>
    good(api.PATCH("/api/work_pools/{name}", { params: { path: { name: pool.name } }, body: { base_job_template: template } })),
  );
  const changed = own ? differences(kept, own) : [];
  const shared = { kept, save: save.mutate, isSaving: save.isPending, refusal: save.error };
  return (
    <div className="flex flex-col gap-4">
      <p className="text-faint">
        Deployments and runs may set other values; what they leave out is as it stands here.
      </p>
      <span role="group" aria-label="How to edit" className="flex gap-2">
        <Choice name="Defaults" isChosen={how === "form"} act={() => setHow("form")} />
        <Choice name="JSON" isChosen={how === "json"} act={() => setHow("json")} />
      </span>
      {/* What others have changed meanwhile is shown anew. */}
      {how === "form" ? (
        <Defaults key={shown(kept)} {...shared} />
      ) : (
        <Text key={shown(kept)} {...shared} own={own} />
      )}
      {own && <Changed type={pool.type} changed={changed} />}
    </div>
  );
}

interface Editing {
  kept: Json;
  save: (template: Json) => void;
  isSaving: boolean;
  refusal: Error | null;
}

function Choice({ name, isChosen, act }: { name: string; isChosen: boolean; act: () => void }) {
  return (
    <button
      type="button"
      aria-pressed={isChosen}
      onClick={act}
      className={`cursor-pointer rounded border px-3 py-1 font-medium ${isChosen ? "border-link text-link" : "border-line"}`}
    >
      {name}
    </button>
  );
}

function Defaults({ kept, save, isSaving, refusal }: Editing) {
  const fields = defaultFields(kept);
  const [typed, setTyped] = useState<Record<string, string>>({});
  const { template, errors } = withDefaults(kept, fields, typed);
  const isWrong = Object.keys(errors).length > 0;
  if (fields.length === 0) return <p>It has no variables: any are taken, as they are.</p>;
  return (
    <form
      aria-label="Defaults"
      noValidate
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isWrong) save(template);
      }}
    >
      <div className="grid gap-x-8 gap-y-3 lg:grid-cols-2">
        {fields.map((field) => (
          <Input
            key={field.name}
            field={field}
            none="none"
            value={typed[field.name] ?? field.initial}
            error={errors[field.name]}
            change={(text) => setTyped((before) => ({ ...before, [field.name]: text }))}
          />
        ))}
      </div>
      {refusal && <Failure error={refusal} />}
      <span>
        <Button type="submit" disabled={isWrong || isSaving || differences(template, kept).length === 0}>
          Save the defaults
        </Button>
      </span>
    </form>
  );
}

function Text({ kept, save, isSaving, refusal, own }: Editing & { own?: Json }) {
  const [text, setText] = useState(() => shown(kept));
  const [sent, setSent] = useState("");
  const { template, error, line } = parsed(text);
  // A refusal is about what was sent, not about what was typed since.
  const refused = refusal && sent === text ? refusal.message : undefined;
  const submit = () => {
    if (!template) return;
    setSent(text);
    save(template);
  };
  return (
    <div className="flex flex-col gap-3">
      <LineEditor
        label="The job template as JSON"
        text={text}
        change={setText}
        error={error ?? refused}
        line={line ?? (refused ? lineOf(text, refused) : undefined)}
      />
      <span className="flex flex-wrap gap-2">
        <Button disabled={!template || isSaving || text === shown(kept)} onClick={submit}>
          Save the template
        </Button>
        {own && (
          <Button disabled={text === shown(own)} onClick={() => setText(shown(own))}>
            Put in the default of its type
          </Button>
        )}
        {text !== shown(kept) && <Button onClick={() => setText(shown(kept))}>Undo</Button>}
      </span>
    </div>
  );
}

function Changed({ type, changed }: { type: string; changed: Difference[] }) {
  if (changed.length === 0) return <p className="text-faint">It is the default of the type {type}.</p>;
  return (
    <div className="flex flex-col gap-2">
      <h3 className="font-medium">What differs from the default of the type {type}</h3>
      <Table
        label="Differences"
        rows={changed}
        id={(each) => each.path}
        columns={[
          { title: "Part", wide: true, cell: (each) => <code className="text-xs">{each.path}</code> },
          { title: "Here", cell: (each) => <Value text={each.now} /> },
          { title: "Default", cell: (each) => <Value text={each.before} /> },
        ]}
      />
    </div>
  );
}

const LONG = 60;

function Value({ text }: { text: string }) {
  return (
    <code className="text-xs" title={text}>
      {text.length > LONG ? `${text.slice(0, LONG)}…` : text}
    </code>
  );
}
