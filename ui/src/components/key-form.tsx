/** A new key: for whom, what it opens, and for how long. */
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { api, good } from "../api/client";
import { scopes as allScopes } from "../api/place-queries";
import { pools as allPools } from "../api/queries";
import { byNoun, expiry, LIFETIMES } from "../lib/keys";
import { useAct } from "./act";
import { Button, Command, Failure, TextField } from "./basics";
import { BOX } from "./places";

export function KeyForm() {
  const pools = useQuery(allPools);
  const scopes = useQuery(allScopes);
  const [name, setName] = useState("");
  const [pool, setPool] = useState("");
  const [days, setDays] = useState<number | null>(null);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const offered = (scopes.data ?? []).filter((each) => pool === "" || each.is_for_workers).map((each) => each.name);
  const chosen = offered.filter((scope) => !left.has(scope));
  const make = useAct(
    () => {
      const kind = pool === "" ? { kind: "user" as const } : { kind: "worker" as const, work_pool_name: pool };
      // All that one may have oneself is the default of the server.
      const some = chosen.length < offered.length ? { scopes: chosen } : {};
      return good(api.POST("/api/keys", { body: { name, ...kind, ...some, expires_at: expiry(days, new Date()) } }));
    },
    () => setName(""),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    make.mutate(undefined);
  };
  return (
    <>
      <form onSubmit={submit} aria-label="Make a key" className="mb-3 flex flex-col gap-3">
        <div className="flex flex-wrap items-center gap-4">
          <TextField label="Name" value={name} change={setName} />
          <label className="flex items-center gap-2">
            For
            <select value={pool} onChange={(event) => setPool(event.target.value)} className={BOX}>
              <option value="">a person or a program</option>
              {pools.data?.map((each) => (
                <option key={each.id} value={each.name}>
                  workers of {each.name}
                </option>
              ))}
            </select>
          </label>
          <label className="flex items-center gap-2">
            Expires
            <select
              value={days ?? ""}
              onChange={(event) => setDays(event.target.value === "" ? null : Number(event.target.value))}
              className={BOX}
            >
              {LIFETIMES.map(([word, count]) => (
                <option key={word} value={count ?? ""}>
                  {word}
                </option>
              ))}
            </select>
          </label>
          <Button type="submit" disabled={name.trim() === "" || chosen.length === 0 || make.isPending}>
            Make a key
          </Button>
        </div>
        <Scopes offered={offered} left={left} leave={setLeft} />
      </form>
      {make.error && <Failure error={make.error} />}
      {make.data && (
        <p role="status" className="mb-3 flex flex-col items-start gap-1">
          It is shown this once:
          <Command text={make.data.secret} />
        </p>
      )}
    </>
  );
}

function Scopes(props: {
  offered: string[];
  left: ReadonlySet<string>;
  leave: (left: ReadonlySet<string>) => void;
}) {
  const { offered, left, leave } = props;
  const chosen = offered.filter((scope) => !left.has(scope)).length;
  const toggle = (scope: string) => {
    const now = new Set(left);
    if (!now.delete(scope)) now.add(scope);
    leave(now);
  };
  return (
    <details>
      <summary className="cursor-pointer">
        Scopes: {chosen === offered.length ? "all that you have" : `${chosen} of ${offered.length}`}
      </summary>
      <div className="mt-2 flex flex-col gap-3 rounded border border-line p-3">
        <span className="flex flex-wrap gap-2">
          <Button onClick={() => leave(new Set())}>All</Button>
          <Button onClick={() => leave(new Set(offered.filter((scope) => !scope.endsWith(":read"))))}>Reading alone</Button>
          <Button onClick={() => leave(new Set(offered))}>None</Button>
        </span>
        <div className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3 lg:grid-cols-5">
          {byNoun(offered).map(([noun, scopes]) => (
            <fieldset key={noun} className="flex flex-col gap-1">
              <legend className="font-medium">{noun}</legend>
              {scopes.map((scope) => (
                <label key={scope} className="flex items-center gap-2">
                  <input type="checkbox" checked={!left.has(scope)} onChange={() => toggle(scope)} />
                  {scope}
                </label>
              ))}
            </fieldset>
          ))}
        </div>
      </div>
    </details>
  );
}
