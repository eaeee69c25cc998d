/** Settings: the keys by which people, programs and workers come in, and what each scope opens. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { api, good } from "../api/client";
import { scopes as allScopes } from "../api/place-queries";
import * as ask from "../api/queries";
import { useAct } from "../components/act";
import { Card, Delete, Failure, Loading, Table, useNow, useTitle, When } from "../components/basics";
import { KeyForm } from "../components/key-form";
import { Mark } from "../components/places";
import { scopesInWords, standing } from "../lib/keys";

export function Settings() {
  useTitle("Settings");
  const version = useQuery(ask.version);
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Settings</h1>
      <Keys />
      <Sessions />
      <Scopes />
      {version.data && <p className="text-faint">The server speaks the API of version {version.data}.</p>}
    </div>
  );
}

const STANDING = {
  valid: { tone: "text-good", shape: "●" },
  expired: { tone: "text-warn", shape: "○" },
  revoked: { tone: "text-muted", shape: "○" },
} as const;

function Keys() {
  const now = useNow(60_000);
  const found = useQuery(ask.keys);
  const scopes = useQuery(allScopes);
  const revoke = useAct((id: string) => good(api.DELETE("/api/keys/{key_id}", { params: { path: { key_id: id } } })));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="keys" />;
  const names = (forWorkers: boolean) =>
    (scopes.data ?? []).filter((each) => !forWorkers || each.is_for_workers).map((each) => each.name);
  return (
    <Card title="Keys">
      <KeyForm />
      {revoke.error && <Failure error={revoke.error} />}
      <Table
        label="Keys"
        rows={found.data}
        id={(key) => key.id}
        columns={[
          { title: "Name", cell: (key) => key.name },
          {
            title: "For",
            cell: (key) =>
              key.kind === "worker" && key.work_pool_name ? (
                <Link to="/pools/$name" params={{ name: key.work_pool_name }}>
                  workers of {key.work_pool_name}
                </Link>
              ) : (
                "a person or a program"
              ),
          },
          {
            title: "Scopes",
            wide: true,
            cell: (key) => (
              <span className="whitespace-normal" title={key.scopes?.join(", ")}>
                {scopesInWords(key.scopes ?? [], names(key.kind === "worker"))}
              </span>
            ),
          },
          {
            title: "Status",
            cell: (key) => {
              const word = standing(key, now);
              return <Mark {...STANDING[word]}>{word}</Mark>;
            },
          },
          { title: "Made", cell: (key) => <When at={key.created} /> },
          { title: "By", cell: (key) => makerOf(key.created_by) },
          { title: "Expires", cell: (key) => (key.expires_at ? <When at={key.expires_at} /> : "never") },
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

function makerOf(maker: Record<string, unknown> | null | undefined): string {
  const name = maker?.["display_value"];
  return typeof name === "string" ? name : "the server";
}

function Sessions() {
  const found = useQuery(ask.sessions);
  const end = useAct((id: string) =>
    good(api.DELETE("/api/sessions/{session_id}", { params: { path: { session_id: id } } })),
  );
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="sessions" />;
  return (
    <Card title="Signed-in browsers">
      {end.error && <Failure error={end.error} />}
      <Table
        label="Signed-in browsers"
        rows={found.data}
        id={(session) => session.id}
        columns={[
          { title: "Key", cell: (session) => session.key_name },
          { title: "Signed in", cell: (session) => <When at={session.created} /> },
          { title: "Used", cell: (session) => <When at={session.last_used_at} /> },
          { title: "Expires", cell: (session) => <When at={session.expires_at} /> },
          {
            title: "Action",
            cell: (session) =>
              session.is_current ? "this one" : <Delete name={`session of ${session.key_name}`} act={() => end.mutate(session.id)} />,
          },
        ]}
      />
    </Card>
  );
}

function Scopes() {
  const found = useQuery(allScopes);
  if (!found.data) return found.error ? <Failure error={found.error} /> : null;
  return (
    <Card title="What each scope opens">
      <ul className="flex flex-col gap-1">
        {found.data.map((scope) => (
          <li key={scope.name}>
            <details>
              <summary className="cursor-pointer">
                <code>{scope.name}</code>{" "}
                <span className="text-faint">
                  {counted(scope.operations.length)}
                  {scope.is_for_workers && ", also of workers' keys"}
                </span>
              </summary>
              <ul className="my-1 grid gap-x-6 pl-5 md:grid-cols-2">
                {scope.operations.map((operation) => (
                  <li key={operation} className="font-mono text-xs text-faint">
                    {operation}
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function counted(requests: number): string {
  if (requests === 0) return "no request by itself: more of what others answer";
  return requests === 1 ? "1 request" : `${requests} requests`;
}
