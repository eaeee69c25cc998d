/** Pages are told that something has changed, and ask again for what they show. */
import type { QueryClient } from "@tanstack/react-query";

import { refreshing } from "../lib/refreshing";
import { base } from "./client";

export interface Connection {
  /** Since when the server is away; null while it is there. */
  since: Date | null;
}

/** A browser tries again by itself, but not where a proxy has answered for the server. */
const AGAIN_MS = 3_000;

export function listen(queries: QueryClient, tell: (connection: Connection) => void): () => void {
  let source: EventSource;
  let since: Date | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const refresh = refreshing(() =>
    queries.invalidateQueries({ predicate: (query) => query.queryKey[0] === "live" }, { cancelRefetch: false }),
  );
  // Of a run with many tasks an answer takes longer than it takes the next one to move.
  const tasksMoved = refreshing(() => queries.invalidateQueries({ queryKey: ["live", "tasks"] }));
  const published = refreshing(() => queries.invalidateQueries({ queryKey: ["live", "artifacts"] }));
  const changed = () => {
    // What failed meanwhile is asked for again too, whatever it is.
    if (since) void queries.invalidateQueries();
    else void refresh();
    since = null;
    tell({ since });
  };
  const failed = () => {
    since ??= new Date();
    tell({ since });
    if (source.readyState === EventSource.CLOSED) {
      clearTimeout(timer);
      timer = setTimeout(open, AGAIN_MS);
    }
  };
  const open = () => {
    source = new EventSource(`${base}/api/ui/changes`);
    source.addEventListener("changed", changed);
    source.addEventListener("tasks", () => void tasksMoved());
    source.addEventListener("artifacts", () => void published());
    source.addEventListener("error", failed);
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
