/** Variables: small values that flows read by their names. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { api, good } from "../api/client";
import * as ask from "../api/queries";
import { useAct } from "../components/act";
import { Button, Delete, Empty, Failure, Loading, Table, TextField, useTitle, When } from "../components/basics";
import { asJson } from "../lib/parameters";

export function Variables() {
  useTitle("Variables");
  const found = useQuery(ask.variables);
  const [edited, setEdited] = useState<{ name: string; text: string }>({ name: "", text: "" });
  const known = found.data?.find((each) => each.name === edited.name);
  const keep = useAct(
    (value: unknown) =>
      known
        ? good(api.PATCH("/api/variables/{variable_id}", { params: { path: { variable_id: known.id } }, body: { value } }))
        : good(api.POST("/api/variables", { body: { name: edited.name, value } })),
    () => setEdited({ name: "", text: "" }),
  );
  const remove = useAct((id: string) =>
    good(api.DELETE("/api/variables/{variable_id}", { params: { path: { variable_id: id } } })),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate(asJson(edited.text));
  };
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="variables" />;
  const failed = keep.error ?? remove.error;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Variables</h1>
      <form onSubmit={submit} aria-label="Set a variable" className="flex flex-wrap items-center gap-4">
        <TextField label="Name" value={edited.name} change={(name) => setEdited({ ...edited, name })} />
        <TextField label="Value, JSON or text" value={edited.text} change={(text) => setEdited({ ...edited, text })} />
        <Button type="submit" disabled={edited.name === "" || keep.isPending}>
          {known ? "Change" : "Set"}
        </Button>
      </form>
      {failed && <Failure error={failed} />}
      {found.data.length === 0 ? (
        <Empty>No variable is set. A flow reads one by `Variable.get(name)`.</Empty>
      ) : (
        <Table
          label="Variables"
          rows={found.data}
          id={(each) => each.id}
          columns={[
            { title: "Name", cell: (each) => each.name },
            { title: "Value", wide: true, cell: (each) => <code className="text-xs wrap-anywhere">{JSON.stringify(each.value)}</code> },
            { title: "Tags", cell: (each) => each.tags?.join(", ") },
            { title: "Changed", cell: (each) => <When at={each.updated} /> },
            {
              title: "Action",
              cell: (each) => (
                <span className="flex gap-3">
                  <button
                    type="button"
                    aria-label={`Edit ${each.name}`}
                    className="cursor-pointer text-link"
                    onClick={() => setEdited({ name: each.name, text: JSON.stringify(each.value) })}
                  >
                    Edit
                  </button>
                  <Delete name={each.name} act={() => remove.mutate(each.id)} />
                </span>
              ),
            },
          ]}
        />
      )}
    </div>
  );
}
