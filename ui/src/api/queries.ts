/** What screens ask for. Keys that begin with `live` are asked again when something has changed. */
import { queryOptions } from "@tanstack/react-query";

import { type RunSearch, queryOf } from "../lib/search";
import { api, good, type Query } from "./client";

export const runs = (search: RunSearch) =>
  queryOptions({
    queryKey: ["live", "runs", search],
    queryFn: () => good(api.POST("/api/flow_runs/filter", { body: queryOf(search) })),
  });

type RunFilter = NonNullable<Query["flow_runs"]>;

const few = (name: string, filter: () => RunFilter, sort: string) =>
  queryOptions({
    queryKey: ["live", "few", name],
    queryFn: () =>
      good(api.POST("/api/flow_runs/filter", { body: { flow_runs: filter(), sort, limit: 10 } })),
  });

/** How far back the dashboard looks for failures: a bound on what the database has to sort. */
const WEEK = 7 * 86_400_000;

export const failures = few(
  "failures",
  () => ({
    state: { type: { any_: ["FAILED", "CRASHED"] } },
    expected_start_time: { after_: new Date(Date.now() - WEEK).toISOString() },
  }),
  "END_TIME_DESC",
);
export const late = few(
  "late",
  () => ({ state: { type: { any_: ["SCHEDULED"] }, name: { any_: ["Late"] } } }),
  "EXPECTED_START_TIME_ASC",
);

/** Searches of the runs page that were kept. */
export const views = queryOptions({
  queryKey: ["views"],
  queryFn: () => good(api.POST("/api/saved_searches/filter", { body: {} })),
});

const historyFilter = ({ flow_runs, flows, deployments, work_pools }: Query) => ({
  flow_runs,
  flows,
  deployments,
  work_pools,
});

/** How many runs were due in each interval, by the state they are in now. */
export const history = (from: Date, to: Date, seconds: number, filter: Query = {}) =>
  queryOptions({
    queryKey: ["live", "history", from.toISOString(), seconds, filter],
    queryFn: () =>
      good(
        api.POST("/api/flow_runs/history", {
          body: {
            ...historyFilter(filter),
            history_start: from.toISOString(),
            history_end: to.toISOString(),
            history_interval_seconds: seconds,
          },
        }),
      ),
  });

export const run = (id: string) =>
  queryOptions({
    queryKey: ["live", "run", id],
    queryFn: () => good(api.GET("/api/flow_runs/{run_id}", { params: { path: { run_id: id } } })),
  });

/** The last lines of a run's log of at least a level, the newest first. */
export const lastLines = (run: string, least: number, count: number) =>
  queryOptions({
    queryKey: ["live", "last-lines", run, least],
    queryFn: () => {
      const logs = { flow_run_id: { any_: [run] }, level: { ge_: least } };
      return good(api.POST("/api/logs/filter", { body: { logs, sort: "TIMESTAMP_DESC", limit: count } }));
    },
  });

/** The attempts of a lineage, the first one first. */
export const attempts = (root: string | null | undefined) =>
  queryOptions({
    queryKey: ["live", "attempts", root],
    enabled: root != null,
    queryFn: async () => {
      const body = { flow_runs: { root_run_id: { any_: [root ?? ""] } }, limit: 200 };
      const found = await good(api.POST("/api/flow_runs/filter", { body }));
      return found.sort((a, b) => (a.attempt ?? 1) - (b.attempt ?? 1));
    },
  });

export const artifacts = (run: string, task?: string) =>
  queryOptions({
    queryKey: ["live", "artifacts", run, task],
    queryFn: () => {
      const of = task ? { task_run_id: { any_: [task] } } : { flow_run_id: { any_: [run] } };
      const body = { artifacts: of, limit: 50 };
      return good(api.POST("/api/artifacts/filter", { body }));
    },
  });

/** How the machine of a run's worker did; while it runs, every ten seconds once more. */
export const hostOfRun = (run: string, hasEnded: boolean) =>
  queryOptions({
    queryKey: ["host", run, hasEnded],
    queryFn: () =>
      good(api.GET("/api/flow_runs/{run_id}/host_readings", { params: { path: { run_id: run } } })),
    refetchInterval: hasEnded ? false : 10_000,
  });

/** How a worker's machine did in the last hour. */
export const hostOfWorker = (pool: string, worker: string) =>
  queryOptions({
    queryKey: ["host", pool, worker],
    queryFn: () =>
      good(
        api.GET("/api/work_pools/{name}/workers/{instance_id}/host_readings", {
          params: { path: { name: pool, instance_id: worker } },
        }),
      ),
    refetchInterval: 10_000,
  });

export const states = (run: string) =>
  queryOptions({
    queryKey: ["live", "states", run],
    queryFn: () => good(api.GET("/api/flow_run_states", { params: { query: { flow_run_id: run } } })),
  });

export const flows = queryOptions({
  queryKey: ["flows"],
  queryFn: () => good(api.POST("/api/flows/filter", { body: { sort: "NAME_ASC", limit: 200 } })),
});

export const deployments = queryOptions({
  queryKey: ["live", "deployments"],
  queryFn: () =>
    good(api.POST("/api/deployments/filter", { body: { sort: "NAME_ASC", limit: 200 } })),
});

export const versions = (deployment: string) =>
  queryOptions({
    queryKey: ["live", "versions", deployment],
    queryFn: () =>
      good(
        api.GET("/api/deployments/{deployment_id}/versions", {
          params: { path: { deployment_id: deployment } },
        }),
      ),
  });

export const pools = queryOptions({
  queryKey: ["live", "pools"],
  queryFn: () => good(api.POST("/api/work_pools/filter", { body: { limit: 200 } })),
});

export const variables = queryOptions({
  queryKey: ["live", "variables"],
  queryFn: () => good(api.POST("/api/variables/filter", { body: { sort: "NAME_ASC", limit: 200 } })),
});

export const limits = queryOptions({
  queryKey: ["live", "limits"],
  queryFn: () => good(api.POST("/api/v2/concurrency_limits/filter", { body: { limit: 200 } })),
});

/** What an automation has done, the latest first. */
export const firings = (automation: string) =>
  queryOptions({
    queryKey: ["live", "firings", automation],
    queryFn: () =>
      good(
        api.POST("/api/automations/{automation_id}/firings/filter", {
          params: { path: { automation_id: automation } },
          body: { limit: 50 },
        }),
      ),
  });

export const automations = queryOptions({
  queryKey: ["live", "automations"],
  queryFn: () => good(api.POST("/api/automations/filter", { body: { sort: "NAME_ASC", limit: 200 } })),
});

export const keys = queryOptions({
  queryKey: ["live", "keys"],
  queryFn: () => good(api.POST("/api/keys/filter", { body: { limit: 200 } })),
});

/** Browsers that are signed in. */
export const sessions = queryOptions({
  queryKey: ["live", "sessions"],
  queryFn: () => good(api.POST("/api/sessions/filter", { body: { limit: 200 } })),
});

/** The newest events whose text has these words. */
export const events = (words: string) =>
  queryOptions({
    queryKey: ["live", "events", words],
    queryFn: () => {
      const filter = { order: "DESC" as const, ...(words && { text: { query: words } }) };
      return good(api.POST("/api/events/filter", { body: { filter, limit: 50 } }));
    },
  });

export const version = queryOptions({
  queryKey: ["version"],
  queryFn: () => good(api.GET("/api/admin/version")),
});
