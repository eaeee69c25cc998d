/** Concurrency limits by name: how many slots there are, and how many are taken. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { api, good } from "../api/client";
import * as ask from "../api/queries";
import { useAct } from "../components/act";
import { Button, Delete, Empty, Failure, Loading, Table, TextField, useTitle } from "../components/basics";

export function Limits() {
  useTitle("Limits");
  const found = useQuery(ask.limits);
  const [name, setName] = useState("");
  const [slots, setSlots] = useState("1");
  const known = found.data?.find((each) => each.name === name);
  const path = (id: string) => ({ params: { path: { id_or_name: id } } });
  const keep = useAct(
    (limit: number) =>
      known
        ? good(api.PATCH("/api/v2/concurrency_limits/{id_or_name}", { ...path(known.id), body: { limit } }))
        : good(api.POST("/api/v2/concurrency_limits", { body: { name, limit } })),
    () => setName(""),
  );
  const toggle = useAct(({ id, active }: { id: string; active: boolean }) =>
    good(api.PATCH("/api/v2/concurrency_limits/{id_or_name}", { ...path(id), body: { active } })),
  );
  const remove = useAct((id: string) => good(api.DELETE("/api/v2/concurrency_limits/{id_or_name}", path(id))));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate(Number(slots));
  };
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="limits" />;
  const failed = keep.error ?? toggle.error ?? remove.error;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Concurrency limits</h1>
      <form onSubmit={submit} aria-label="Set a limit" className="flex flex-wrap items-center gap-4">
        <TextField label="Name" value={name} change={setName} />
        <TextField label="Slots" type="number" value={slots} change={setSlots} />
        <Button type="submit" disabled={name === "" || slots === "" || keep.isPending}>
          {known ? "Change" : "Set"}
        </Button>
      </form>
      {failed && <Failure error={failed} />}
      {found.data.length === 0 ? (
        <Empty>No limit is set. Tasks and flows take a slot by `with concurrency(name)`.</Empty>
      ) : (
        <Table
          label="Limits"
          rows={found.data}
          id={(each) => each.id}
          columns={[
            { title: "Name", wide: true, cell: (each) => each.name },
            { title: "In use", cell: (each) => <InUse taken={each.active_slots} limit={each.limit} /> },
            { title: "Freed each second", cell: (each) => each.slot_decay_per_second || "–" },
            {
              title: "Action",
              cell: (each) => (
                <span className="flex items-center gap-3">
                  <Button onClick={() => toggle.mutate({ id: each.id, active: !each.active })}>
                    {each.active ? "Switch off" : "Switch on"}
                  </Button>
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

function InUse({ taken, limit }: { taken: number; limit: number }) {
  return (
    <span className="flex items-center gap-2">
      <meter min={0} max={Math.max(1, limit)} value={taken} aria-label={`${taken} of ${limit}`} />
      {taken} of {limit}
    </span>
  );
}
