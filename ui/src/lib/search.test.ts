import { describe, expect, it, test } from "vitest";

import { filterOf, nextPage, queryOf, readSearch } from "./search";

const NOON = "2026-01-01T12:00:00.123456Z";
const LATER = "2026-01-01T13:00:00Z";

describe("readSearch", () => {
  it("takes what makes sense and leaves out the rest", () => {
    const raw = { state: ["FAILED", "NONSENSE"], not: "CRASHED", name: "  ", x: 1, before: NOON, skip: "3" };
    expect(readSearch(raw)).toEqual({ state: ["FAILED"], not: ["CRASHED"], before: NOON, skip: 3 });
  });

  it.each([["0"], ["-1"], ["1.5"], ["many"]])("takes skip %s for none", (skip) => {
    expect(readSearch({ skip, before: NOON })).toEqual({ before: NOON });
  });

  it("takes a page that begins at no instant for the first", () => {
    expect(readSearch({ before: "noon", skip: 7 })).toEqual({});
  });
});

describe("nextPage", () => {
  const due = (at: string) => ({ expected_start_time: at });

  it("begins at the last instant shown, after those that were", () => {
    expect(nextPage({}, [due(LATER), due(NOON), due(NOON)])).toEqual({ before: NOON, skip: 2 });
  });

  it("counts on while an instant has more runs than a page", () => {
    expect(nextPage({ before: NOON, skip: 50 }, [due(NOON), due(NOON)])).toEqual({ before: NOON, skip: 52 });
  });
});

describe("queryOf", () => {
  it("asks for everything without a search", () => {
    expect(queryOf({})).toEqual({ sort: "EXPECTED_START_TIME_DESC", limit: 51, offset: 0 });
  });

  it("says each filter to the resource it belongs to", () => {
    const query = queryOf({ not: ["COMPLETED"], name: "fox", flow: "etl", pool: "gpu", before: NOON, skip: 2 });
    expect(query).toMatchObject({
      flow_runs: { state: { type: { not_any_: ["COMPLETED"] } }, name: { like_: "fox" }, expected_start_time: { before_: NOON } },
      flows: { name: { any_: ["etl"] } },
      work_pools: { name: { any_: ["gpu"] } },
      offset: 2,
    });
  });
});

test("what runs belong to is asked for as it is, and as it is not", () => {
  expect(filterOf(readSearch({ flow: "orders", notPool: "gpu", notDeployment: "" }))).toEqual({
    flows: { name: { any_: ["orders"] } },
    work_pools: { name: { not_any_: ["gpu"] } },
  });
});
