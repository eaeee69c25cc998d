import { expect, it } from "vitest";

import { callerOf, inputsOf, resultOf, triesOf } from "./task-runs";

const at = (seconds: number) => new Date(seconds * 1000).toISOString();
const move = (type: string, seconds: number) => ({ id: `${seconds}`, type, name: type, timestamp: at(seconds) }) as never;

it("finds the tries among the states, and the waits between them", () => {
  const states = [move("PENDING", 0), move("RUNNING", 1), move("SCHEDULED", 3), move("RUNNING", 63), move("COMPLETED", 64)];
  const tries = triesOf(states).map(({ number, seconds, waited, outcome }) => [number, seconds, waited, outcome?.type]);
  expect(tries).toEqual([
    [1, 2, null, "SCHEDULED"],
    [2, 1, 60, "COMPLETED"],
  ]);
  expect(triesOf([move("RUNNING", 1)])[0]?.seconds).toBeNull();
});

it("knows whose results a task took, and in which it was called", () => {
  const task_inputs = {
    rows: [{ input_type: "task_run", id: "a" }, { input_type: "task_run", id: "b" }, { input_type: "task_run", id: "a" }],
    name: [{ input_type: "parameter", name: "region" }],
    __parents__: [{ input_type: "task_run", id: "c" }],
  };
  expect(inputsOf({ task_inputs })).toEqual([
    { parameter: "rows", task: "a" },
    { parameter: "rows", task: "b" },
  ]);
  expect(callerOf({ task_inputs })).toBe("c");
  expect([inputsOf({}), callerOf({})]).toEqual([[], null]);
});

it("says where a result is kept, if it is", () => {
  const data = { type: "reference", storage_key: "k", storage: "/results", serializer: "json", size_bytes: 3 };
  expect(resultOf(data)).toEqual({ key: "k", storage: "/results", bytes: 3, expires: null });
  expect([resultOf(null), resultOf("k"), resultOf({ type: "unpersisted" })]).toEqual([null, null, null]);
});
