import { expect, it } from "vitest";

import { bodyOf, inOrder, pagesOf, totalOf } from "./task-search";

const counts = [
  { state_type: "COMPLETED" as const, count: 7 },
  { state_type: "FAILED" as const, count: 2 },
];

it("has troubles first", () => {
  expect(inOrder(counts).map((each) => each.state_type)).toEqual(["FAILED", "COMPLETED"]);
});

it("knows how long the list is without asking for it", () => {
  expect([totalOf(counts, null), totalOf(counts, "FAILED"), totalOf(counts, "PAUSED")]).toEqual([9, 2, 0]);
});

it("asks for no more than is wanted", () => {
  expect(bodyOf("r", { name: "" })).toEqual({ task_runs: { flow_run_id: { any_: ["r"] } } });
  expect(bodyOf("r", { name: "x", state: "FAILED" }).task_runs).toEqual({
    flow_run_id: { any_: ["r"] },
    name: { like_: "x" },
    state: { type: { any_: ["FAILED"] } },
  });
});

it("finds the pages of the rows in view", () => {
  expect(pagesOf(95, 205, 100)).toEqual([0, 1, 2]);
  expect(pagesOf(100, 199, 100)).toEqual([1]);
  expect(pagesOf(0, -1, 100)).toEqual([]);
});
