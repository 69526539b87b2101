/**
 * What owners say otherwise than the flow's file: `settings["$map"]`, an expression for a field, or null for a field
 * that is not to be written. What is as in the file has no entry, so that a newer version of the flow holds there.
 */

import type { Flow, FlowWrite, Settings } from "../api/types";

export const MAP = "$map";

export type Overrides = Readonly<Record<string, string | null>>;

export function overridesOf(settings: Settings): Overrides {
  const map = settings[MAP];
  if (typeof map !== "object" || map === null || Array.isArray(map)) return {};
  return Object.fromEntries(Object.entries(map).filter((entry): entry is [string, string | null] => entry[1] === null || typeof entry[1] === "string"));
}

/** Settings in which `field` is written by `expression`: undefined for the file's own, null for not at all. */
export function withOverride(settings: Settings, write: FlowWrite, expression: string | null | undefined): Settings {
  const { [write.name]: _, ...others } = overridesOf(settings);
  const own = typeof expression === "string" && expression.trim() === write.expression.trim();
  const map = expression === undefined || own ? others : { ...others, [write.name]: expression };
  const { [MAP]: __, ...rest } = settings;
  return Object.keys(map).length === 0 ? rest : { ...rest, [MAP]: map };
}

/** The expression in force, null if the field is not written. */
export function expressionOf(write: FlowWrite, overrides: Overrides): string | null {
  const override = overrides[write.name];
  return override === undefined ? write.expression : override;
}

/** The stream of the source that the flow reads: the first thing that it needs there. */
export const streamOf = (flow: Flow): string => flow.needs.source[0]?.subject ?? "";

/** The name under which expressions of a flow know the record: what stands before the first attribute. */
export function recordName(flow: Flow): string {
  const attributes = flow.reads.map((read) => read.name);
  for (const write of flow.writes) {
    for (const [, name, attribute] of write.expression.matchAll(/\b([a-z_]\w*)\.\??([a-z_]\w*)/gi)) {
      if (name !== undefined && attribute !== undefined && name !== "settings" && attributes.includes(attribute)) return name;
    }
  }
  return "e";
}

/** A value as it is shown to people: texts as they are, nothing as null. */
export function shown(value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map((item) => shown(item) ?? "").join(", ");
  const object = value as Record<string, unknown>;
  if (typeof object["name"] === "string") return object["name"];
  return JSON.stringify(value);
}
