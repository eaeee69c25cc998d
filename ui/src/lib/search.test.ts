import { describe, expect, it } from "vitest";

import { queryOf, readSearch } from "./search";

describe("readSearch", () => {
  it("takes what makes sense and leaves out the rest", () => {
    const raw = { state: ["FAILED", "NONSENSE"], not: "CRASHED", name: "  ", page: "3", x: 1 };
    expect(readSearch(raw)).toEqual({ state: ["FAILED"], not: ["CRASHED"], page: 3 });
  });

  it.each([["0"], ["-1"], ["1.5"], ["many"]])("takes page %s for the first", (page) => {
    expect(readSearch({ page })).toEqual({});
  });
});

describe("queryOf", () => {
  it("asks for everything without a search", () => {
    expect(queryOf({})).toEqual({ sort: "EXPECTED_START_TIME_DESC", limit: 51, offset: 0 });
  });

  it("says each filter to the resource it belongs to", () => {
    const query = queryOf({ not: ["COMPLETED"], name: "fox", flow: "etl", pool: "gpu", page: 2 });
    expect(query).toMatchObject({
      flow_runs: { state: { type: { not_any_: ["COMPLETED"] } }, name: { like_: "fox" } },
      flows: { name: { any_: ["etl"] } },
      work_pools: { name: { any_: ["gpu"] } },
      offset: 50,
    });
  });
});
