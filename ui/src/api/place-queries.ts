/** What the pages of one pool, worker, deployment and flow ask for. */
import { queryOptions } from "@tanstack/react-query";

import { api, good, type Query } from "./client";

/** Heartbeats and pauses are no events that the page is told of: these small ones are asked again. */
const BEAT_MS = 5_000;
const FEW = 10;

/** Why a run is not running. */
export const waiting = (id: string) =>
  queryOptions({
    queryKey: ["live", "waiting", id],
    queryFn: () => good(api.GET("/api/flow_runs/{run_id}/waiting", { params: { path: { run_id: id } } })),
    refetchInterval: 3_000,
  });

export const pool = (name: string) =>
  queryOptions({
    queryKey: ["live", "pool", name],
    queryFn: () => good(api.GET("/api/work_pools/{name}", { params: { path: { name } } })),
    refetchInterval: BEAT_MS,
  });

/** Who serves each pool, and what waits in it. */
export const poolStandings = queryOptions({
  queryKey: ["live", "pool-standings"],
  queryFn: async () => {
    const found = await good(api.GET("/api/ui/work_pools"));
    return new Map(found.map((each) => [each.id, each]));
  },
  refetchInterval: BEAT_MS,
});

export const queues = (name: string) =>
  queryOptions({
    queryKey: ["live", "queues", name],
    queryFn: () => {
      const body = { limit: 200 };
      return good(api.POST("/api/work_pools/{name}/queues/filter", { params: { path: { name } }, body }));
    },
  });

export const workers = (name: string) =>
  queryOptions({
    queryKey: ["live", "workers-of", name],
    queryFn: () => {
      const body = { limit: 200 };
      return good(api.POST("/api/work_pools/{name}/workers/filter", { params: { path: { name } }, body }));
    },
    refetchInterval: BEAT_MS,
  });

/** The types of workers there are, with the job template that a pool of each begins with. */
export const workerTypes = queryOptions({
  queryKey: ["worker-types"],
  queryFn: async () => {
    const path = { view: "aggregate-worker-metadata" };
    const found = await good(api.GET("/api/collections/views/{view}", { params: { path } }));
    return (found as Record<string, Record<string, WorkerType>>)["runwright"] ?? {};
  },
  staleTime: Infinity,
});

export interface WorkerType {
  display_name: string;
  default_base_job_configuration: Record<string, unknown>;
}

/** A few runs that meet a filter. */
export const fewRuns = (filter: Query, sort = "EXPECTED_START_TIME_DESC", limit = FEW) =>
  queryOptions({
    queryKey: ["live", "few-runs", filter, sort, limit],
    queryFn: () => good(api.POST("/api/flow_runs/filter", { body: { ...filter, sort, limit } })),
  });

export const stuck = queryOptions({
  queryKey: ["live", "stuck"],
  queryFn: () => good(api.GET("/api/flow_runs/stuck")),
  refetchInterval: 30_000,
});

export const flow = (id: string) =>
  queryOptions({
    queryKey: ["flow", id],
    queryFn: () => good(api.GET("/api/flows/{flow_id}", { params: { path: { flow_id: id } } })),
  });

/** Of a run that has none, nothing is asked. */
export const deployment = (id: string | null | undefined) =>
  queryOptions({
    queryKey: ["live", "deployment", id],
    enabled: id != null,
    queryFn: () =>
      good(api.GET("/api/deployments/{deployment_id}", { params: { path: { deployment_id: id ?? "" } } })),
  });

export const deploymentsOf = (flow: string) =>
  queryOptions({
    queryKey: ["live", "deployments-of", flow],
    queryFn: () => {
      const flows = { id: { any_: [flow] } };
      return good(api.POST("/api/deployments/filter", { body: { flows, sort: "NAME_ASC", limit: 200 } }));
    },
  });

export const scopes = queryOptions({
  queryKey: ["scopes"],
  queryFn: () => good(api.GET("/api/scopes")),
  staleTime: Infinity,
});
