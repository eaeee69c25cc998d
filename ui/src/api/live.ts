/** Pages are told that something has changed, and ask again for what they show. */
import type { QueryClient } from "@tanstack/react-query";

import { oneAtATime } from "../lib/one-at-a-time";
import { base } from "./client";

export type Connection = "live" | "away";

export function listen(queries: QueryClient, tell: (connection: Connection) => void): () => void {
  const source = new EventSource(`${base}/api/ui/changes`);
  source.addEventListener("changed", () => {
    tell("live");
    void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] === "live" });
  });
  // Of a run with many tasks an answer takes longer than it takes the next one to move.
  const tasksMoved = oneAtATime(() => queries.invalidateQueries({ queryKey: ["live", "tasks"] }));
  source.addEventListener("tasks", () => void tasksMoved());
  source.addEventListener("error", () => tell("away"));
  return () => source.close();
}
