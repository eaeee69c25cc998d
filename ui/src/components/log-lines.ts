/** All lines of a run's log, and those that come while it runs. */
import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";

import { api, type FlowRun, good, type Log } from "../api/client";
import { hasEnded } from "../lib/states";

const PAGE = 200;
const LOOK_AGAIN_MS = 1_000;

/** Everything that is there by now, page after page, beginning after what is known. */
async function linesAfter(run: string, task: string | undefined, known: Log[]): Promise<Log[]> {
  const lines = [...known];
  for (;;) {
    const body = {
      logs: { flow_run_id: { any_: [run] }, ...(task && { task_run_id: { any_: [task] } }) },
      sort: "TIMESTAMP_ASC",
      limit: PAGE,
      offset: lines.length,
    };
    const page = await good(api.POST("/api/logs/filter", { body }));
    lines.push(...page);
    if (page.length < PAGE) return lines;
  }
}

/** Undefined until the first answer. */
export function useLines(run: FlowRun, task?: string): { lines?: Log[]; error: Error | null; retry: () => void } {
  const of = task ?? run.id;
  const known = useRef<{ of: string; lines: Log[] }>({ of, lines: [] });
  if (known.current.of !== of) known.current = { of, lines: [] };
  const found = useQuery({
    queryKey: ["logs", of, hasEnded(run.state_type)],
    queryFn: async () => {
      const lines = await linesAfter(run.id, task, known.current.lines);
      known.current = { of, lines };
      return lines;
    },
    refetchInterval: hasEnded(run.state_type) ? false : LOOK_AGAIN_MS,
    // Lines of another run or task are not shown in place of these.
    placeholderData: (before: Log[] | undefined, query) => (query?.queryKey.includes(of) ? before : undefined),
  });
  return { lines: found.data, error: found.error, retry: () => void found.refetch() };
}
