/** What the address of the runs page says, and the filter that it means. */
import type { Query, StateType } from "../api/client";
import { STATE_TYPES } from "./states";

export interface RunSearch {
  state?: StateType[];
  not?: StateType[];
  name?: string;
  flow?: string;
  deployment?: string;
  pool?: string;
  notFlow?: string;
  notDeployment?: string;
  notPool?: string;
  tag?: string;
  /** Only runs that were due by then, without the first so many of them: the pages before. */
  before?: string;
  skip?: number;
}

export const PAGE_SIZE = 50;

/** What runs belong to, each as it is and as it is not. */
export const BELONGS = [
  { title: "Flow", key: "flow", not: "notFlow" },
  { title: "Deployment", key: "deployment", not: "notDeployment" },
  { title: "Work pool", key: "pool", not: "notPool" },
] as const;
const TEXTS = ["name", "tag", ...BELONGS.map((each) => each.key), ...BELONGS.map((each) => each.not)] as const;

/** Read what somebody may have typed into the address. Nonsense is left out. */
export function readSearch(raw: Record<string, unknown>): RunSearch {
  const search: RunSearch = {};
  const states = statesIn(raw["state"]);
  const not = statesIn(raw["not"]);
  if (states.length > 0) search.state = states;
  if (not.length > 0) search.not = not;
  for (const key of TEXTS) {
    const value = raw[key];
    if (typeof value === "string" && value.trim() !== "") search[key] = value;
    if (typeof value === "number") search[key] = String(value);
  }
  const before = raw["before"];
  if (typeof before === "string" && !Number.isNaN(Date.parse(before))) {
    search.before = before;
    const skip = Number(raw["skip"]);
    if (Number.isInteger(skip) && skip > 0) search.skip = skip;
  }
  return search;
}

function statesIn(value: unknown): StateType[] {
  const given = Array.isArray(value) ? value : typeof value === "string" ? value.split(",") : [];
  return STATE_TYPES.filter((type) => given.includes(type));
}

/** The body of `/flow_runs/filter`. One more than a page is asked for: is there a next one? */
export function queryOf(search: RunSearch): Query {
  return {
    ...filterOf(search),
    sort: "EXPECTED_START_TIME_DESC",
    limit: PAGE_SIZE + 1,
    offset: search.skip ?? 0,
  };
}

/**
 * Where the next page begins. A page begins at an instant, not at a number, so that the thousandth
 * is as soon there as the first; several runs may be due at that instant, of which some were shown.
 */
export function nextPage(
  search: RunSearch,
  shown: readonly { expected_start_time?: string | null }[],
): Pick<RunSearch, "before" | "skip"> {
  const before = shown.at(-1)?.expected_start_time ?? undefined;
  if (before === undefined) return { before: undefined, skip: undefined };
  const ties = shown.filter((run) => run.expected_start_time === before).length;
  return { before, skip: ties + (before === search.before ? (search.skip ?? 0) : 0) };
}

/** What is asked for, on whichever page. */
export function filterOf(search: RunSearch): Query {
  const runs: NonNullable<Query["flow_runs"]> = {};
  if (search.state || search.not) {
    runs.state = {
      type: {
        ...(search.state && { any_: search.state }),
        ...(search.not && { not_any_: search.not }),
      },
    };
  }
  if (search.name) runs.name = { like_: search.name };
  if (search.tag) runs.tags = { all_: [search.tag] };
  if (search.before) runs.expected_start_time = { before_: search.before };
  return {
    ...(Object.keys(runs).length > 0 && { flow_runs: runs }),
    ...named("flows", search.flow, search.notFlow),
    ...named("deployments", search.deployment, search.notDeployment),
    ...named("work_pools", search.pool, search.notPool),
  };
}

function named(what: "flows" | "deployments" | "work_pools", is?: string, isNot?: string): Query {
  if (!is && !isNot) return {};
  return { [what]: { name: { ...(is && { any_: [is] }), ...(isNot && { not_any_: [isNot] }) } } };
}
