/** Job templates of pools: their defaults as a form, their text, and what differs from another one. */
import { type Field, fieldsOf, filled } from "./parameters";

export type Json = Record<string, unknown>;

/** A field for each variable, showing its default. */
export function defaultFields(template: Json): Field[] {
  const variables = objectIn(template, "variables");
  return fieldsOf(variables, {}).map((field) => ({ ...field, isRequired: false }));
}

export interface Edited {
  template: Json;
  /** What is wrong, by the name of the variable. */
  errors: Record<string, string>;
}

/** The template with other defaults. What is emptied has none, or `null` where that is allowed. */
export function withDefaults(template: Json, fields: Field[], typed: Record<string, string>): Edited {
  const changed = fields.filter((field) => typed[field.name] !== undefined && typed[field.name] !== field.initial);
  const variables = objectIn(template, "variables");
  const properties = { ...objectIn(variables, "properties") };
  const { values, errors } = filled(changed, typed);
  for (const field of changed) {
    const about = { ...(properties[field.name] as Json | undefined) };
    if (field.name in values) about["default"] = values[field.name];
    else if (errors[field.name] === undefined && takes(about, "null")) about["default"] = null;
    else if (errors[field.name] === undefined) delete about["default"];
    properties[field.name] = about;
  }
  return { template: { ...template, variables: { ...variables, properties } }, errors };
}

function takes(about: Json | undefined, type: string): boolean {
  const ways = (about?.["anyOf"] as Json[] | undefined) ?? (about ? [about] : []);
  return ways.some((way) => way["type"] === type);
}

export interface Difference {
  /** `variables.properties.image.default` */
  path: string;
  now: string;
  before: string;
}

const ABSENT = "–";

/** What is not as in the other one, part by part. */
export function differences(now: unknown, before: unknown, path = ""): Difference[] {
  if (isObject(now) && isObject(before)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    return names.flatMap((name) => differences(now[name], before[name], path ? `${path}.${name}` : name));
  }
  if (JSON.stringify(now) === JSON.stringify(before)) return [];
  return [{ path, now: told(now), before: told(before) }];
}

function told(value: unknown): string {
  return value === undefined ? ABSENT : JSON.stringify(value);
}

export interface Parsed {
  template?: Json;
  error?: string;
  /** The line of the text that the error is about, from 1. */
  line?: number;
}

export function parsed(text: string): Parsed {
  try {
    const template = JSON.parse(text) as unknown;
    return isObject(template) ? { template } : { error: "A template is a JSON object.", line: 1 };
  } catch (error) {
    const said = (error as Error).message;
    const line = /line (\d+)/.exec(said)?.[1];
    const position = /position (\d+)/.exec(said)?.[1];
    if (line) return { error: said, line: Number(line) };
    return position ? { error: said, line: text.slice(0, Number(position)).split("\n").length } : { error: said };
  }
}

/** The line that a refusal of the server is about, by the name that it quotes. */
export function lineOf(text: string, refusal: string): number | undefined {
  const lines = text.split("\n");
  for (const [, name] of refusal.matchAll(/'([A-Za-z_][\w.]*)'/g)) {
    const found = lines.findIndex((line) => line.includes(`{{ ${name} }}`) || line.includes(`"${name}"`));
    if (found >= 0) return found + 1;
  }
  return undefined;
}

export function shown(template: Json): string {
  return JSON.stringify(template, null, 2);
}

function objectIn(whole: Json, name: string): Json {
  const part = whole[name];
  return isObject(part) ? part : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
