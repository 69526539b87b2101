import { describe, expect, it } from "vitest";

import type { Flow } from "../../api/types";
import { loadLanguage } from "../../i18n/language";
import { changesOf } from "./changes";

const en = await loadLanguage("en");
const flow = {
  source: { title: { en: "Personio" } },
  target: { title: { en: "reteach" } },
  settings_schema: {
    properties: {
      last_day: { title: "Last day", "x-title": { en: "Last day" }, default: "blocked", enum: ["blocked", "open"], "x-labels": { blocked: { en: "is blocked" }, open: { en: "stays open" } } },
      departments: { title: "Departments", "x-title": { en: "Departments" }, type: "array" },
    },
  },
  writes: [{ name: "position", title: { en: "Position" }, expression: "trim(e.position)" }],
} as unknown as Flow;
const lines = (deed: string, details: unknown) => changesOf({ deed, details } as never, en, flow);

describe("what the history tells of", () => {
  it("a start", () => {
    const details = { flow: "f", version: "1.0.0", settings: {}, schedule: { kind: "every", seconds: 300 } };
    expect(lines("started", details)).toEqual(["Version 1.0.0", "every 5 minutes"]);
  });

  it("settings, by their titles and labels", () => {
    const old = { last_day: "blocked", departments: [], same: 1 };
    const details = { old, new: { last_day: "open", departments: ["A", "B"], same: 1 } };
    expect(lines("settings-changed", details)).toEqual(["Last day: is blocked → stays open", "Departments: empty → A, B"]);
  });

  it("no setting that only had its default before", () => {
    expect(lines("settings-changed", { old: {}, new: { last_day: "blocked", departments: ["A"] } })).toEqual(["Departments: empty → A"]);
  });

  it("a mapping, field by field", () => {
    const mapped = { $map: { position: "upper(e.position)" } };
    expect(lines("settings-changed", { old: {}, new: mapped })).toEqual(["Position: trim(e.position) → upper(e.position)"]);
    expect(lines("settings-changed", { old: mapped, new: { $map: { position: null } } })).toEqual(["Position: upper(e.position) → Not written"]);
  });

  it("credentials, by name or that they were entered anew", () => {
    expect(lines("credential-changed", { source: "Personio Berlin", target: null })).toEqual(["Personio: now Personio Berlin"]);
    expect(lines("credential-changed", { rewritten: true })).toEqual([en.t("history.rewritten")]);
  });

  it("decisions, with how many", () => {
    expect(lines("approved", { people: 12 })).toEqual(["12 people"]);
    expect(lines("documents-decided", { documents: 1, decision: "arrived" })).toEqual([`1 document: ${en.t("documents.arrived")}`]);
    expect(lines("contacts-changed", { contacts: 2 })).toEqual(["2 recipients"]);
  });

  it("a pause, and its end", () => {
    const [says, detail] = lines("paused", { kind: "auth", code: "401", message: "the token was rejected" });
    expect(says).toBe(en.failure({ kind: "auth", message: "" } as never).says);
    expect(detail).toBe("The token was rejected.");
    expect(lines("resumed", { since: "2026-11-22T07:00:00Z" })).toHaveLength(1);
  });

  it("nothing where it does not know", () => {
    expect(lines("deactivated", null)).toEqual([]);
    expect(lines("settings-changed", { old: 1 })).toEqual([]);
    expect(lines("of-tomorrow", { people: "many" })).toEqual([]);
  });
});
