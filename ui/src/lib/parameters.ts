/** A form out of a deployment's parameter schema, and its values out of what was typed. */

type Schema = Record<string, unknown>;

export interface Field {
  name: string;
  title: string;
  description?: string;
  /** `loose`: JSON where it is some, else text. */
  kind: "text" | "number" | "integer" | "boolean" | "choice" | "json" | "loose";
  choices?: string[];
  isRequired: boolean;
  /** What the field shows at first. */
  initial: string;
}

export function fieldsOf(schema: Schema | null | undefined, given: Schema): Field[] {
  const properties = (schema?.["properties"] ?? {}) as Record<string, Schema>;
  const required = new Set((schema?.["required"] as string[] | undefined) ?? []);
  const names = [...new Set([...Object.keys(properties), ...Object.keys(given)])];
  return names.map((name) => {
    const about = resolved(properties[name] ?? {}, schema ?? {});
    const known = name in given ? given[name] : about["default"];
    const kind = kindOf(about);
    return {
      name,
      title: typeof about["title"] === "string" ? about["title"] : name,
      ...(typeof about["description"] === "string" && { description: about["description"] }),
      kind,
      ...(kind === "choice" && { choices: (about["enum"] as unknown[]).map(String) }),
      isRequired: required.has(name) && !(name in given),
      initial: shown(known, kind),
    };
  });
}

/** The part itself: a reference followed, and of "this or nothing" the first. */
function resolved(part: Schema, whole: Schema): Schema {
  const reference = part["$ref"];
  if (typeof reference === "string") {
    const found = reference
      .replace(/^#\//, "")
      .split("/")
      .reduce<unknown>((place, step) => (place as Schema | undefined)?.[step], whole);
    return { ...(found as Schema | undefined), ...part, $ref: undefined };
  }
  const ways = part["anyOf"] as Schema[] | undefined;
  const something = ways?.filter((way) => way["type"] !== "null");
  return something?.length === 1 ? { ...resolved(something[0] ?? {}, whole), ...part } : part;
}

function kindOf(part: Schema): Field["kind"] {
  if (Array.isArray(part["enum"]) && part["enum"].every((each) => typeof each === "string")) return "choice";
  const ways = part["anyOf"] as Schema[] | undefined;
  if (part["type"] === undefined && ways?.some((way) => way["type"] === "string")) return "loose";
  switch (part["type"]) {
    case "string":
      return "text";
    case "number":
    case "integer":
    case "boolean":
      return part["type"];
    default:
      return "json";
  }
}

function shown(value: unknown, kind: Field["kind"]): string {
  if (value === undefined || value === null) return "";
  if (kind === "loose") return value === asJson(String(value)) ? String(value) : JSON.stringify(value);
  return kind === "json" || typeof value === "object" ? JSON.stringify(value) : String(value);
}

export interface Filled {
  values: Record<string, unknown>;
  /** What is wrong, by the name of the field. */
  errors: Record<string, string>;
}

/** What is left empty is left out: the flow's own default holds. */
export function filled(fields: Field[], typed: Record<string, string>): Filled {
  const values: Filled["values"] = {};
  const errors: Filled["errors"] = {};
  for (const field of fields) {
    const text = typed[field.name] ?? field.initial;
    if (text.trim() === "" && field.kind !== "text") {
      if (field.isRequired) errors[field.name] = "It is required.";
    } else if (text === "" && !(field.isRequired && field.kind === "text")) {
      continue;
    } else {
      const value = read(field, text);
      if (value === undefined) errors[field.name] = COMPLAINTS[field.kind];
      else values[field.name] = value;
    }
  }
  return { values, errors };
}

const COMPLAINTS: Record<Field["kind"], string> = {
  text: "It is no text.",
  number: "It is no number.",
  integer: "It is no whole number.",
  boolean: "It is true or false.",
  choice: "It is none of the choices.",
  json: "It is no JSON: a text needs quotes.",
  loose: "It is neither text nor JSON.",
};

function read(field: Field, text: string): unknown {
  switch (field.kind) {
    case "text":
      return text;
    case "number":
    case "integer": {
      const number = Number(text);
      const fits = Number.isFinite(number) && (field.kind === "number" || Number.isInteger(number));
      return fits ? number : undefined;
    }
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "choice":
      return field.choices?.includes(text) ? text : undefined;
    case "loose":
      return asJson(text);
    case "json":
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return undefined;
      }
  }
}

/** What was typed as JSON where it is some, and else as text. */
export function asJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
