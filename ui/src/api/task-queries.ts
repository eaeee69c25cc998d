/** What the timeline, the list of tasks and the page of a task run ask for: again when tasks have moved, as long as their run has not ended. */
import { queryOptions } from "@tanstack/react-query";

import { type Known, grown } from "../lib/graph";
import { bodyOf, type TaskSearch } from "../lib/task-search";
import { hasEnded } from "../lib/states";
import { api, type FlowRun, good } from "./client";

export const TASKS_PAGE = 100;

/** How the keys begin. An ended run's tasks stand still, whatever moves elsewhere. */
const tasksOf = (run: string, state: string | null | undefined) => [hasEnded(state) ? "ended" : "live", "tasks", run] as const;

/** What ran in a run. While it runs only what is new is asked for; once it has ended, nothing more. */
export const timeline = (run: string, state: string | null | undefined) =>
  queryOptions({
    queryKey: [...tasksOf(run, state), "timeline"],
    staleTime: hasEnded(state) ? Infinity : 0,
    // When a run ends, its timeline stays until the whole of it is there.
    placeholderData: (before: Known | undefined, query) => (query?.queryKey.includes(run) ? before : undefined),
    queryFn: async ({ client, queryKey }) => {
      const before = client.getQueryData<Known>(queryKey);
      const query = before?.since === undefined ? {} : { since: before.since };
      const path = { run_id: run };
      return grown(before, await good(api.GET("/api/flow_runs/{run_id}/graph-v2", { params: { path, query } })));
    },
  });

/** One page of a run's tasks, counted from 0. */
export const taskPage = (run: FlowRun, search: TaskSearch, page: number) =>
  queryOptions({
    queryKey: [...tasksOf(run.id, run.state_type), "page", search, page],
    queryFn: () => {
      const body = { ...bodyOf(run.id, search), sort: search.sort, limit: TASKS_PAGE, offset: page * TASKS_PAGE };
      return good(api.POST("/api/task_runs/filter", { body }));
    },
  });

/** How many tasks of a run there are in each state, of those that the search for names finds. */
export const taskCounts = (run: FlowRun, name: string) =>
  queryOptions({
    queryKey: [...tasksOf(run.id, run.state_type), "counts", name],
    queryFn: () => good(api.POST("/api/task_runs/count_by_state", { body: bodyOf(run.id, { name }) })),
    placeholderData: (before, query) => (query?.queryKey.includes(run.id) ? before : undefined),
  });

const path = (id: string) => ({ params: { path: { run_id: id } } });

export const task = (id: string) =>
  queryOptions({
    queryKey: ["live", "tasks", "one", id],
    queryFn: () => good(api.GET("/api/task_runs/{run_id}", path(id))),
  });

export const taskStates = (id: string) =>
  queryOptions({
    queryKey: ["live", "tasks", "states", id],
    queryFn: () => good(api.GET("/api/task_run_states", { params: { query: { task_run_id: id } } })),
  });

/** Task runs by their ids: those whose results another one took. */
export const upstream = (ids: string[]) =>
  queryOptions({
    queryKey: ["live", "tasks", "upstream", ids],
    enabled: ids.length > 0,
    queryFn: () => good(api.POST("/api/task_runs/filter", { body: { task_runs: { id: { any_: ids } }, limit: 200 } })),
  });

export const dependents = (id: string) =>
  queryOptions({
    queryKey: ["live", "tasks", "dependents", id],
    queryFn: () => good(api.GET("/api/task_runs/{run_id}/dependents", path(id))),
  });

/** The flow run that a task run stands for, if it does. */
export const nestedRun = (task: string) =>
  queryOptions({
    queryKey: ["live", "tasks", "nested run", task],
    queryFn: async () => {
      const body = { flow_runs: { parent_task_run_id: { any_: [task] } }, sort: "START_TIME_DESC", limit: 1 };
      return (await good(api.POST("/api/flow_runs/filter", { body })))[0] ?? null;
    },
  });
