import { describe, expect, it } from "vitest";

import { fieldsOf, filled } from "./parameters";

const schema = {
  properties: {
    day: { type: "string", title: "Day", description: "Which day." },
    speed: { type: "number", default: 80 },
    count: { anyOf: [{ type: "integer" }, { type: "null" }], default: null },
    loud: { type: "boolean", default: false },
    colour: { $ref: "#/definitions/Colour", default: "red" },
    stops: { type: "array", items: { type: "string" } },
  },
  definitions: { Colour: { enum: ["red", "blue"], type: "string" } },
  required: ["day", "stops"],
};

describe("fieldsOf", () => {
  it("knows what each parameter takes", () => {
    const kinds = fieldsOf(schema, {}).map((field) => [field.name, field.kind, field.initial]);
    expect(kinds).toEqual([
      ["day", "text", ""],
      ["speed", "number", "80"],
      ["count", "integer", ""],
      ["loud", "boolean", "false"],
      ["colour", "choice", "red"],
      ["stops", "json", ""],
    ]);
  });

  it("shows what the deployment gives, even where no schema tells of it", () => {
    const [day] = fieldsOf(schema, { day: "monday" });
    expect([day?.initial, day?.isRequired]).toEqual(["monday", false]);
    expect(fieldsOf(null, { extra: { a: 1 } })).toMatchObject([{ kind: "json", initial: '{"a":1}' }]);
  });
});

describe("filled", () => {
  const fields = fieldsOf(schema, {});

  it("reads each value as what it is, and leaves out what is empty", () => {
    const typed = { day: "monday", stops: '["Lyon"]', speed: "8.5", loud: "true" };
    expect(filled(fields, typed)).toEqual({
      values: { day: "monday", stops: ["Lyon"], speed: 8.5, loud: true, colour: "red" },
      errors: {},
    });
  });

  it("says for each field what is wrong with it", () => {
    const typed = { stops: "Lyon", speed: "fast", count: "1.5", colour: "green" };
    expect(Object.keys(filled(fields, typed).errors).sort()).toEqual(["colour", "count", "speed", "stops"]);
    expect(filled(fields, {}).errors).toEqual({ stops: "It is required." });
  });
});
