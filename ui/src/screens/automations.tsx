/** Automations: what is done when something happens. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { api, good } from "../api/client";
import * as ask from "../api/queries";
import { useAct } from "../components/act";
import { Button, Delete, Empty, Failure, Loading, Table, useTitle } from "../components/basics";
import { Firings } from "../components/firings";
import { actionsInWords, triggerInWords } from "../lib/automations";

export function Automations() {
  useTitle("Automations");
  const found = useQuery(ask.automations);
  const [looked, setLooked] = useState<string | null>(null);
  const path = (id: string) => ({ params: { path: { automation_id: id } } });
  const toggle = useAct(({ id, enabled }: { id: string; enabled: boolean }) =>
    good(api.PATCH("/api/automations/{automation_id}", { ...path(id), body: { enabled } })),
  );
  const remove = useAct((id: string) => good(api.DELETE("/api/automations/{automation_id}", path(id))));
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading what="automations" />;
  const opened = found.data.find((each) => each.id === looked);
  const failed = toggle.error ?? remove.error;
  return (
    <div className="flex flex-col gap-4">
      <h1 className="text-lg font-semibold">Automations</h1>
      {failed && <Failure error={failed} />}
      {opened && <Firings id={opened.id} name={opened.name} close={() => setLooked(null)} />}
      {found.data.length === 0 ? (
        <Empty>Nothing is done by itself yet. Make one with `runwright automation create FILE`, or with Prefect's own client.</Empty>
      ) : (
        <Table
          label="Automations"
          rows={found.data}
          id={(each) => each.id}
          columns={[
            {
              title: "Automation",
              cell: (each) => (
                <div className="w-40 whitespace-normal md:w-72">
                  <p className="font-medium">{each.name}</p>
                  <p className="text-faint">{each.description}</p>
                </div>
              ),
            },
            {
              title: "What it does",
              wide: true,
              cell: (each) => (
                <>
                  <p>{triggerInWords(each.trigger)}</p>
                  <p className="text-faint">{actionsInWords(each.actions)}</p>
                </>
              ),
            },
            { title: "Status", cell: (each) => (each.enabled ? "On" : "Off") },
            {
              title: "Action",
              cell: (each) => (
                <span className="flex items-center gap-3">
                  <Button onClick={() => setLooked(each.id)}>Firings</Button>
                  <Button onClick={() => toggle.mutate({ id: each.id, enabled: !each.enabled })}>
                    {each.enabled ? "Switch off" : "Switch on"}
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
