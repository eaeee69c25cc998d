/** Settings: the keys by which people, programs and workers come in. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { api, good } from "../api/client";
import * as ask from "../api/queries";
import { useAct } from "../components/act";
import { Button, Card, Command, Delete, Failure, Loading, Table, TextField, useNow, useTitle, When } from "../components/basics";
import { standing } from "../lib/keys";

export function Settings() {
  useTitle("Settings");
  const version = useQuery(ask.version);
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Settings</h1>
      <Keys />
      {version.data && <p className="text-faint">The server speaks the API of version {version.data}.</p>}
    </div>
  );
}

function Keys() {
  const now = useNow(60_000);
  const found = useQuery(ask.keys);
  const pools = useQuery(ask.pools);
  const [name, setName] = useState("");
  const [pool, setPool] = useState("");
  const make = useAct(
    () => {
      const rest = pool === "" ? { kind: "user" as const } : { kind: "worker" as const, work_pool_name: pool };
      return good(api.POST("/api/keys", { body: { name, ...rest } }));
    },
    () => setName(""),
  );
  const revoke = useAct((id: string) => good(api.DELETE("/api/keys/{key_id}", { params: { path: { key_id: id } } })));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(undefined);
  };
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="keys" />;
  const failed = make.error ?? revoke.error;
  return (
    <Card title="Keys">
      <form onSubmit={submit} aria-label="Make a key" className="mb-3 flex flex-wrap items-center gap-4">
        <TextField label="Name" value={name} change={setName} />
        <label className="flex items-center gap-2">
          For
          <select value={pool} onChange={(event) => setPool(event.target.value)} className="rounded border border-line bg-surface px-2 py-1">
            <option value="">a person or a program</option>
            {pools.data?.map((each) => (
              <option key={each.id} value={each.name}>
                workers of {each.name}
              </option>
            ))}
          </select>
        </label>
        <Button type="submit" disabled={name === "" || make.isPending}>
          Make a key
        </Button>
      </form>
      {failed && <Failure error={failed} />}
      {make.data && (
        <p role="status" className="mb-3 flex flex-col gap-1">
          It is shown this once:
          <Command text={make.data.secret} />
        </p>
      )}
      <Table
        label="Keys"
        rows={found.data}
        id={(key) => key.id}
        columns={[
          { title: "Name", cell: (key) => key.name },
          { title: "For", cell: (key) => (key.kind === "worker" ? `workers of ${key.work_pool_name}` : "a person or a program") },
          { title: "Scopes", wide: true, cell: (key) => <span className="whitespace-normal">{key.scopes?.join(", ")}</span> },
          { title: "Status", cell: (key) => standing(key, now) },
          { title: "Used", cell: (key) => <When at={key.last_used_at} /> },
          {
            title: "Action",
            cell: (key) => !key.revoked_at && <Delete name={key.name} act={() => revoke.mutate(key.id)} />,
          },
        ]}
      />
    </Card>
  );
}
