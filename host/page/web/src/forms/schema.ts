/**
 * A flow's settings are described by a JSON Schema; here it becomes a list of fields that a form can show. Only what
 * flow files may say is read (see flows/flow.schema.json); a property of another shape is edited as text, so that
 * nothing an owner could set is hidden.
 */

import type { ProblemError, Settings, SettingsSchema, Text } from "../api/types";

/** Where the choices of a field come from. */
export interface Lookup {
  connector: string;
  lookup: string;
}

export interface Choice {
  value: string;
  label: Text | null;
}

interface Base {
  name: string;
  title: Text;
  description: Text | null;
  /** Whether it may be left empty, which is `null`. */
  nullable: boolean;
  /** Settings on whose values it depends whether this one is asked for. */
  neededWhen: Readonly<Record<string, unknown>> | null;
  fallback: unknown;
}

export type Field = Base &
  (
    | { kind: "choice"; choices: Choice[] }
    | { kind: "lookup"; lookup: Lookup }
    | { kind: "many"; lookup: Lookup | null; choices: Choice[] }
    | { kind: "text" | "date" | "date-time" | "time-zone" | "boolean" }
    | { kind: "number"; whole: boolean; min: number | null; max: number | null }
  );

type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value);

function textOf(value: unknown): Text | null {
  if (typeof value === "string") return { en: value };
  return isNode(value) ? (value as Text) : null;
}

function lookupOf(value: unknown): Lookup | null {
  if (!isNode(value) || typeof value["connector"] !== "string" || typeof value["lookup"] !== "string") return null;
  return { connector: value["connector"], lookup: value["lookup"] };
}

function choicesOf(node: Node): Choice[] {
  const values = Array.isArray(node["enum"]) ? node["enum"].filter((value) => typeof value === "string") : [];
  const labels = isNode(node["x-labels"]) ? node["x-labels"] : {};
  return values.map((value) => ({ value, label: textOf(labels[value]) }));
}

/** The fields of a form, in the file's order; those that the host fills in are left out. */
export function fieldsOf(schema: SettingsSchema): Field[] {
  const properties = schema["properties"];
  if (!isNode(properties)) return [];
  // The order of a JSON object's names says nothing.
  const order = Array.isArray(schema["x-order"]) ? (schema["x-order"] as unknown[]) : [];
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  const entries = Object.entries(properties).sort(([one], [other]) => place(one) - place(other));
  return entries.flatMap(([name, node]) => {
    if (!isNode(node) || node["x-hidden"] === true || node["x-fill"] !== undefined) return [];
    return [fieldOf(name, node)];
  });
}

function fieldOf(name: string, node: Node): Field {
  const types = ([] as unknown[]).concat(node["type"] ?? []);
  const base: Base = {
    name,
    // `title` and `description` are English alone.
    title: textOf(node["x-title"] ?? node["title"]) ?? { en: name },
    description: textOf(node["x-description"] ?? node["description"]),
    nullable: types.includes("null") || (Array.isArray(node["enum"]) && node["enum"].includes(null)),
    neededWhen: isNode(node["x-needed-when"]) ? node["x-needed-when"] : null,
    fallback: node["default"] ?? null,
  };
  const lookup = lookupOf(node["x-options"]);
  if (types.includes("array")) {
    return { ...base, kind: "many", lookup, choices: isNode(node["items"]) ? choicesOf(node["items"]) : [] };
  }
  if (Array.isArray(node["enum"])) return { ...base, kind: "choice", choices: choicesOf(node) };
  if (lookup !== null) return { ...base, kind: "lookup", lookup };
  if (types.includes("boolean")) return { ...base, kind: "boolean" };
  if (types.includes("integer") || types.includes("number")) {
    const bound = (key: string) => (typeof node[key] === "number" ? node[key] : null);
    return { ...base, kind: "number", whole: types.includes("integer"), min: bound("minimum"), max: bound("maximum") };
  }
  const format = node["format"];
  if (format === "date" || format === "date-time" || format === "time-zone") return { ...base, kind: format };
  return { ...base, kind: "text" };
}

/** Settings with the schema's defaults where `value` has nothing. */
export function withDefaults(schema: SettingsSchema, value: Settings = {}): Settings {
  const filled: Settings = { ...value };
  for (const field of fieldsOf(schema)) filled[field.name] ??= field.fallback;
  return filled;
}

/** Whether a field is asked for, as the others stand. */
export function isAsked(field: Field, value: Settings): boolean {
  if (field.neededWhen === null) return true;
  return Object.entries(field.neededWhen).every(([name, wanted]) =>
    Array.isArray(wanted) ? wanted.includes(value[name]) : value[name] === wanted,
  );
}

/** Settings as they are sent: what is not asked for has its default again. */
export function tidied(schema: SettingsSchema, value: Settings): Settings {
  const tidy = withDefaults(schema, value);
  for (const field of fieldsOf(schema)) if (!isAsked(field, tidy)) tidy[field.name] = field.fallback;
  return tidy;
}

const isDay = (value: unknown) =>
  typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value));

/** What is wrong with `value`, before it is sent. `code`: `missing`, `date`, `time-zone`, `number`, `min`, `max`, `choice`;
 * the server has the last word. Pointers begin with `at`. */
export function checkSettings(schema: SettingsSchema, value: Settings, at = "/settings"): ProblemError[] {
  const errors: ProblemError[] = [];
  for (const field of fieldsOf(schema)) {
    if (!isAsked(field, value)) continue;
    const code = wrong(field, value[field.name]);
    if (code !== null) errors.push({ pointer: `${at}/${escaped(field.name)}`, code, message: "" });
  }
  return errors;
}

function wrong(field: Field, value: unknown): string | null {
  const empty = value === null || value === undefined || value === "";
  if (empty) return field.neededWhen !== null || !(field.nullable || field.kind === "many") ? "missing" : null;
  switch (field.kind) {
    case "date":
      return isDay(value) ? null : "date";
    case "time-zone":
      return isTimeZone(value) ? null : "time-zone";
    case "number":
      if (typeof value !== "number" || (field.whole && !Number.isInteger(value))) return "number";
      if (field.min !== null && value < field.min) return "min";
      return field.max !== null && value > field.max ? "max" : null;
    case "choice":
      return field.choices.some((choice) => choice.value === value) ? null : "choice";
    default:
      return null;
  }
}

export function isTimeZone(value: unknown): boolean {
  if (typeof value !== "string" || value === "") return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

/** Every time zone that the browser knows; the present one of the reader first is for the caller to say. */
export function timeZones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
}

/** A name as a part of a JSON pointer. */
export const escaped = (name: string) => name.replaceAll("~", "~0").replaceAll("/", "~1");

/** The error that stands at `pointer` or below it. */
export function errorAt(errors: readonly ProblemError[], pointer: string): ProblemError | undefined {
  return errors.find((error) => error.pointer === pointer || error.pointer.startsWith(`${pointer}/`));
}
