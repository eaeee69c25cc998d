/** The task runs of a flow run. */
import { useQuery } from "@tanstack/react-query";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { duration } from "../lib/time";
import { Card, StateBadge, Table } from "./basics";

export function Tasks({ run }: { run: FlowRun }) {
  const found = useQuery(ask.tasks(run.id));
  if (!found.data || found.data.length === 0) return null;
  return (
    <Card title={`Tasks${found.data.length === 200 ? ": the first 200" : ""}`}>
      <Table
        label="Tasks"
        rows={found.data}
        id={(task) => task.id}
        columns={[
          { title: "State", cell: (task) => <StateBadge type={task.state_type} name={task.state_name} /> },
          { title: "Task", wide: true, cell: (task) => task.name },
          { title: "Tries", cell: (task) => task.run_count },
          { title: "Took", cell: (task) => duration(task.total_run_time ?? 0) },
          { title: "Message", cell: (task) => <span title={task.state?.message ?? ""}>{task.state?.message?.slice(0, 80)}</span> },
        ]}
      />
    </Card>
  );
}
