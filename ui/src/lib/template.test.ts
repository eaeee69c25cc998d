import { expect, test } from "vitest";

import { defaultFields, differences, lineOf, parsed, shown, withDefaults } from "./template";

const NULLABLE = { anyOf: [{ type: "string" }, { type: "null" }], default: null };
const TEMPLATE = {
  job_configuration: { image: "{{ image }}", mem_limit: "{{ mem_limit }}", env: "{{ env }}" },
  variables: {
    type: "object",
    properties: {
      image: NULLABLE,
      mem_limit: { anyOf: [{ type: "string" }, { type: "integer" }, { type: "null" }], default: "1g" },
      env: { type: "object", additionalProperties: { type: "string" } },
      tries: { type: "integer", default: 3 },
    },
  },
};

function edited(typed: Record<string, string>) {
  const { template, errors } = withDefaults(TEMPLATE, defaultFields(TEMPLATE), typed);
  return { changes: differences(template, TEMPLATE), errors };
}

test("defaults are typed as their variables are", () => {
  expect(edited({ image: "flows:2", mem_limit: "512m", env: '{"A": "1"}', tries: "5" })).toEqual({
    errors: {},
    changes: [
      { path: "variables.properties.image.default", now: '"flows:2"', before: "null" },
      { path: "variables.properties.mem_limit.default", now: '"512m"', before: '"1g"' },
      { path: "variables.properties.env.default", now: '{"A":"1"}', before: "–" },
      { path: "variables.properties.tries.default", now: "5", before: "3" },
    ],
  });
  expect(edited({ mem_limit: "1024" }).changes).toMatchObject([{ now: "1024" }]);
});

test("what is emptied has no default, or null where that is allowed", () => {
  expect(edited({ mem_limit: "", tries: "" })).toEqual({
    errors: {},
    changes: [
      { path: "variables.properties.mem_limit.default", now: "null", before: '"1g"' },
      { path: "variables.properties.tries.default", now: "–", before: "3" },
    ],
  });
  expect(edited({ image: "" }).changes).toEqual([]);
});

test("a default that does not fit is told at its field", () => {
  expect(edited({ env: "A=1", tries: "many" }).errors).toEqual({
    env: "It is no JSON: a text needs quotes.",
    tries: "It is no whole number.",
  });
});

test("a text says where it is no template", () => {
  expect(parsed("[]").error).toBe("A template is a JSON object.");
  expect(parsed('{\n  "a": 1,\n  oops\n}').line).toBe(3);
  expect(parsed(shown(TEMPLATE)).template).toEqual(TEMPLATE);
});

test("a refusal is shown at the line that it names", () => {
  const text = shown({ job_configuration: { cpus: "{{ cpus }}" }, variables: {} });
  expect(lineOf(text, "The job configuration uses the variable 'cpus', which is not there.")).toBe(3);
  expect(lineOf(text, "It is wrong.")).toBeUndefined();
});
