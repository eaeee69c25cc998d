/** All lines of a run's log, and those that come while it runs. */
import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";

import { api, type FlowRun, good, type Log } from "../api/client";
import { hasEnded } from "../lib/states";

const PAGE = 200;
const LOOK_AGAIN_MS = 1_000;

/** Everything that is there by now, page after page, beginning after what is known. */
async function linesAfter(run: string, known: Log[]): Promise<Log[]> {
  const lines = [...known];
  for (;;) {
    const body = {
      logs: { flow_run_id: { any_: [run] } },
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
export function useLines(run: FlowRun): { lines?: Log[]; error: Error | null; retry: () => void } {
  const known = useRef<{ run: string; lines: Log[] }>({ run: run.id, lines: [] });
  if (known.current.run !== run.id) known.current = { run: run.id, lines: [] };
  const found = useQuery({
    queryKey: ["logs", run.id, hasEnded(run.state_type)],
    queryFn: async () => {
      const lines = await linesAfter(run.id, known.current.lines);
      known.current = { run: run.id, lines };
      return lines;
    },
    refetchInterval: hasEnded(run.state_type) ? false : LOOK_AGAIN_MS,
    placeholderData: (before) => before,
  });
  return { lines: found.data, error: found.error, retry: () => void found.refetch() };
}
