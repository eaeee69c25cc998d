/** Pages are told that something has changed, and ask again for what they show. */
import type { QueryClient } from "@tanstack/react-query";

import { refreshing } from "../lib/refreshing";
import { base } from "./client";

export type Connection = "live" | "away";

export function listen(queries: QueryClient, tell: (connection: Connection) => void): () => void {
  const refresh = refreshing(() =>
    queries.invalidateQueries(
      { predicate: (query) => query.queryKey[0] === "live" },
      { cancelRefetch: false },
    ),
  );
  const source = new EventSource(`${base}/api/ui/changes`);
  source.addEventListener("changed", () => {
    tell("live");
    void refresh();
  });
  source.addEventListener("error", () => tell("away"));
  return () => source.close();
}
