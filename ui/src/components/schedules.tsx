/** The schedules of a deployment: added, changed, switched off and deleted. */
import { type FormEvent, useState } from "react";

import { api, type Deployment, good } from "../api/client";
import type { components } from "../api/schema";
import { inWords, type Kind, type Rule, ruleOf, scheduleOf } from "../lib/schedules";
import { useAct } from "./act";
import { Button, Delete, Failure, Table, TextField, When } from "./basics";
import { BOX, Mark } from "./places";

type Schedule = components["schemas"]["Schedule"];
type Catchup = NonNullable<Schedule["catchup"]>;

const KINDS: Record<Kind, { name: string; hint: string }> = {
  cron: { name: "at times (cron)", hint: "minute hour day month weekday: 0 5 * * *" },
  interval: { name: "every", hint: "15 min, 1.5 h, 1 d, or seconds" },
  rrule: { name: "by an RRULE", hint: "FREQ=WEEKLY;BYDAY=MO" },
};
const CATCHUP: Record<Catchup, string> = {
  none: "are left out",
  last: "are made good once",
  all: "are all made good",
};

export function Schedules({ deployment }: { deployment: Deployment }) {
  const [edited, edit] = useState<Schedule | "new" | null>(null);
  const schedules = deployment.schedules ?? [];
  const path = (id: string) => ({ params: { path: { deployment_id: deployment.id, schedule_id: id } } });
  const toggle = useAct((each: Schedule) =>
    good(api.PATCH("/api/deployments/{deployment_id}/schedules/{schedule_id}", { ...path(each.id), body: { active: each.active === false } })),
  );
  const remove = useAct((id: string) =>
    good(api.DELETE("/api/deployments/{deployment_id}/schedules/{schedule_id}", path(id))),
  );
  const failed = toggle.error ?? remove.error;
  return (
    <div className="flex flex-col items-start gap-3">
      {failed && <Failure error={failed} />}
      {schedules.length === 0 && <p className="text-faint">It has none: it runs when somebody asks for it.</p>}
      {schedules.length > 0 && (
        <div className="w-full">
          <Table
            label="Schedules"
            rows={schedules}
            id={(each) => each.id}
            columns={[
              { title: "When", wide: true, cell: (each) => <span className="whitespace-nowrap" title={JSON.stringify(each.schedule)}>{inWords(each.schedule)}</span> },
              { title: "Status", cell: (each) => <Status each={each} paused={deployment.paused ?? false} /> },
              { title: "Next", cell: (each) => (each.active === false || deployment.paused ? "–" : <When at={each.next_fire_at} />) },
              { title: "Missed ones", cell: (each) => CATCHUP[each.catchup ?? "last"] },
              { title: "Name", cell: (each) => each.slug },
              {
                title: "Action",
                cell: (each) => (
                  <span className="flex items-center gap-3">
                    <Button onClick={() => toggle.mutate(each)}>{each.active === false ? "Switch on" : "Switch off"}</Button>
                    <Button onClick={() => edit(each)}>Edit</Button>
                    <Delete name={inWords(each.schedule)} act={() => remove.mutate(each.id)} />
                  </span>
                ),
              },
            ]}
          />
        </div>
      )}
      {edited ? (
        <ScheduleForm
          key={edited === "new" ? "new" : edited.id}
          deployment={deployment}
          schedule={edited === "new" ? undefined : edited}
          close={() => edit(null)}
        />
      ) : (
        <Button onClick={() => edit("new")}>Add a schedule</Button>
      )}
    </div>
  );
}

function Status({ each, paused }: { each: Schedule; paused: boolean }) {
  if (each.active === false) return <Mark tone="text-muted" shape="○">Off</Mark>;
  if (paused) return <Mark tone="text-warn" shape="Ⅱ">Paused with the deployment</Mark>;
  return <Mark tone="text-good" shape="●">On</Mark>;
}

function zoneHere(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function ScheduleForm({ deployment, schedule, close }: { deployment: Deployment; schedule?: Schedule; close: () => void }) {
  const [rule, setRule] = useState<Rule>(
    schedule ? ruleOf(schedule.schedule) : { kind: "cron", text: "", timezone: zoneHere() },
  );
  const [slug, setSlug] = useState(schedule?.slug ?? "");
  const [catchup, setCatchup] = useState<Catchup>(schedule?.catchup ?? "last");
  const change = (changed: Partial<Rule>) => setRule((before) => ({ ...before, ...changed }));
  const made = scheduleOf(rule, schedule?.schedule);
  const save = useAct(async () => {
    const path = { deployment_id: deployment.id };
    const body = { schedule: made ?? {}, catchup, slug: slug.trim() || null };
    return schedule
      ? good(api.PATCH("/api/deployments/{deployment_id}/schedules/{schedule_id}", { params: { path: { ...path, schedule_id: schedule.id } }, body }))
      : good(api.POST("/api/deployments/{deployment_id}/schedules", { params: { path }, body: [body] }));
  }, close);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(undefined);
  };
  const isWrong = rule.text.trim() !== "" && made === null;
  return (
    <form onSubmit={submit} aria-label={schedule ? "Change the schedule" : "Add a schedule"} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-4">
        <label className="flex items-center gap-2">
          Runs
          <select value={rule.kind} onChange={(event) => change({ kind: event.target.value as Kind })} className={BOX}>
            {Object.entries(KINDS).map(([kind, { name }]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <TextField label="Rule" value={rule.text} change={(text) => change({ text })} />
        <TextField label="Timezone" value={rule.timezone} change={(timezone) => change({ timezone })} />
        <label className="flex items-center gap-2">
          Missed ones
          <select value={catchup} onChange={(event) => setCatchup(event.target.value as Catchup)} className={BOX}>
            {Object.entries(CATCHUP).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <TextField label="Schedule name" value={slug} change={setSlug} />
      </div>
      <p className={isWrong ? "text-bad" : "text-faint"} role={isWrong ? "alert" : undefined}>
        {isWrong ? `It is no interval: ${KINDS.interval.hint}.` : made && rule.text.trim() ? inWords(made) : KINDS[rule.kind].hint}
      </p>
      {save.error && <Failure error={save.error} />}
      <span className="flex gap-2">
        <Button type="submit" disabled={rule.text.trim() === "" || made === null || save.isPending}>
          {schedule ? "Keep it" : "Add it"}
        </Button>
        <Button onClick={close}>Leave it</Button>
      </span>
    </form>
  );
}
