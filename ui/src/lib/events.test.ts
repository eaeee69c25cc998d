import { expect, test } from "vitest";

import { runOf } from "./events";

const ID = "01a20e4c-62cb-772e-9319-e4aba59f0711";

test("a flow run is known by its resource, and nothing else is one", () => {
  expect(runOf({ "prefect.resource.id": `prefect.flow-run.${ID}` })).toBe(ID);
  expect(runOf({ "prefect.resource.id": `prefect.task-run.${ID}` })).toBeNull();
  expect(runOf({})).toBeNull();
});
