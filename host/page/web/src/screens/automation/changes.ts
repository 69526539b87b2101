/** What a deed of the history changed, line by line. Details that are not understood are left out. */

import type { Cadence, Failure, Flow, HistoryEntry } from "../../api/types";
import { MAP } from "../../forms/mapping";
import { fieldsOf, withDefaults } from "../../forms/schema";
import type { Language } from "../../i18n";

type Details = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Details => typeof value === "object" && value !== null && !Array.isArray(value);

export function changesOf({ deed, details }: Pick<HistoryEntry, "deed" | "details">, language: Language, flow: Flow | undefined): string[] {
  if (!isObject(details)) return [];
  const { t, text, cadence, failure, formats } = language;
  const is = (name: string): string | null => (typeof details[name] === "string" ? details[name] : null);
  const n = (name: string): number | null => (typeof details[name] === "number" ? details[name] : null);
  const told = (value: string | null | false): string[] => (value === null || value === false || value === "" ? [] : [value]);
  switch (deed) {
    case "started": {
      const version = is("version");
      return [...told(version !== null && t("history.version", { version })), ...told(isCadence(details["schedule"]) && cadence(details["schedule"]))];
    }
    case "paused":
    case "quarantined": {
      if (is("kind") === null || is("message") === null) return [];
      const { says, detail } = failure({ code: null, ...details } as unknown as Failure);
      return [says, ...told(detail)];
    }
    case "resumed":
    case "recovered": {
      const since = is("since");
      return told(since !== null && t("history.since", { when: formats.moment(since) }));
    }
    case "settings-changed":
      return settingsChanged(details, language, flow);
    case "schedule-changed":
      return isCadence(details["old"]) && isCadence(details["new"]) ? [`${cadence(details["old"])} → ${cadence(details["new"])}`] : [];
    case "flow-adopted":
      return [`${is("old") ?? "–"} → ${is("new") ?? "–"}`];
    case "credential-changed":
      if (details["rewritten"] === true) return [t("history.rewritten")];
      return (["source", "target"] as const).flatMap((side) => {
        const name = is(side);
        return told(name !== null && t("history.credential", { system: text(flow?.[side].title) || t(`access.${side}`), name }));
      });
    case "approved":
    case "discarded": {
      const people = n("people");
      return told(people !== null && t("records.people", { n: people }));
    }
    case "documents-decided": {
      const documents = n("documents");
      if (documents === null) return [];
      const decision = is("decision");
      const said = decision === "arrived" ? t("documents.arrived") : decision === "send-again" ? t("documents.again") : null;
      return [[t("records.documents", { n: documents }), said].filter((part) => part !== null).join(": ")];
    }
    case "contacts-changed": {
      const contacts = n("contacts");
      return told(contacts !== null && t("history.contacts", { n: contacts }));
    }
    default:
      return [];
  }
}

const isCadence = (value: unknown): value is Cadence => isObject(value) && typeof value["kind"] === "string";

function settingsChanged(details: Details, language: Language, flow: Flow | undefined): string[] {
  if (!isObject(details["old"]) || !isObject(details["new"])) return [];
  // What was never set has its default.
  const whole = (settings: Details): Details => (flow === undefined ? settings : withDefaults(flow.settings_schema, settings));
  const [old, next] = [whole(details["old"]), whole(details["new"])];
  const { t, text } = language;
  const fields = flow === undefined ? [] : fieldsOf(flow.settings_schema);
  const fieldOf = (name: string) => fields.find((field) => field.name === name);
  const said = (name: string, value: unknown): string => {
    if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return t("history.empty");
    if (Array.isArray(value)) return value.map((one) => said(name, one)).join(", ");
    if (typeof value === "boolean") return t(value ? "yes" : "no");
    const field = fieldOf(name);
    const label = field !== undefined && "choices" in field ? text(field.choices.find((choice) => choice.value === value)?.label) : "";
    return label !== "" ? label : isObject(value) ? JSON.stringify(value) : String(value);
  };
  const settings = changed(old, next)
    .filter((name) => name !== MAP)
    .map((name) => t("history.change", { name: text(fieldOf(name)?.title) || name, old: said(name, old[name]), new: said(name, next[name]) }));

  const [oldMap, nextMap] = [isObject(old[MAP]) ? old[MAP] : {}, isObject(next[MAP]) ? next[MAP] : {}];
  const mapped = changed(oldMap, nextMap).map((name) => {
    const write = flow?.writes.find((one) => one.name === name);
    const expression = (map: Details): string => (map[name] === undefined ? (write?.expression ?? t("history.as-in-flow")) : map[name] === null ? t("mapping.off") : String(map[name]));
    return t("history.change", { name: text(write?.title) || name, old: expression(oldMap), new: expression(nextMap) });
  });
  return [...settings, ...mapped];
}

/** Names of what is not the same in both. */
function changed(old: Details, next: Details): string[] {
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].filter((name) => JSON.stringify(old[name]) !== JSON.stringify(next[name]));
}
