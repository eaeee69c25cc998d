/** What an automation has done, and what came of each of its actions. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import * as ask from "../api/queries";
import type { components } from "../api/schema";
import { outcomeInWords } from "../lib/automations";
import { runOf } from "../lib/events";
import { Button, Card, Empty, Failure, Loading, Table, When } from "./basics";

type Firing = components["schemas"]["Firing"];
type Outcome = components["schemas"]["ActionOutcome"];

export function Firings({ id, name, close }: { id: string; name: string; close: () => void }) {
  const found = useQuery(ask.firings(id));
  return (
    <Card title={`Firings of ${name}`}>
      {found.error ? (
        <Failure error={found.error} retry={() => void found.refetch()} />
      ) : !found.data ? (
        <Loading what="firings" />
      ) : found.data.length === 0 ? (
        <Empty>It has not fired yet.</Empty>
      ) : (
        <Table
          label="Firings"
          rows={found.data}
          id={(each) => each.id}
          columns={[
            { title: "Fired", cell: (each) => <When at={each.created} /> },
            { title: "Outcome", cell: (each) => each.outcome },
            { title: "Because of", cell: (each) => <Cause firing={each} /> },
            {
              title: "Actions",
              wide: true,
              cell: (each) => each.actions.map((one) => <Action key={one.id} outcome={one} />),
            },
          ]}
        />
      )}
      <p className="mt-3">
        <Button onClick={close}>Close</Button>
      </p>
    </Card>
  );
}

function Cause({ firing }: { firing: Firing }) {
  const event = firing.event as { event: string; resource: Record<string, string> } | null;
  if (!event) return <span className="text-faint">nothing came in time</span>;
  const run = runOf(event.resource);
  const name = event.resource["prefect.resource.name"] ?? event.resource["prefect.resource.id"];
  return (
    <>
      <p>{event.event}</p>
      <p className="text-faint">
        {run ? (
          <Link to="/runs/$id" params={{ id: run }}>
            {name}
          </Link>
        ) : (
          name
        )}
      </p>
    </>
  );
}

function Action({ outcome }: { outcome: Outcome }) {
  const made = outcome.action["type"] === "run-deployment" ? outcome.result?.["flow_run_id"] : null;
  const isBad = outcome.status === "failed" || outcome.status === "dead";
  return (
    <div>
      <p className={isBad ? "text-bad" : ""}>
        {outcomeInWords(outcome)}
        {typeof made === "string" && (
          <>
            {" "}
            <Link to="/runs/$id" params={{ id: made }}>
              to the run
            </Link>
          </>
        )}
      </p>
      {outcome.error && <p className="text-faint text-xs">{outcome.error}</p>}
    </div>
  );
}
