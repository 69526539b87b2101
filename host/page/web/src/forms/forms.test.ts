import { describe, expect, it } from "vitest";

import type { Flow, FlowWrite } from "../api/types";
import { cadenceOf, checkDraft, draftOf } from "./cadence";
import { expressionOf, overridesOf, recordName, shown, withOverride } from "./mapping";
import { checkSettings, errorAt, fieldsOf, isAsked, tidied, withDefaults } from "./schema";
import { stepsOf } from "./steps";
import { same } from "./same";

const schema = {
  type: "object",
  properties: {
    departments: { type: "array", items: { type: "string" }, default: [], title: { en: "Departments" }, "x-options": { connector: "personio", lookup: "departments" } },
    zone: { type: "string", format: "time-zone", default: "Europe/Berlin", title: { en: "Zone" } },
    carry: { enum: ["all", "since"], default: "all", title: { en: "Earlier" }, "x-labels": { all: { en: "all of them" } } },
    since: { type: ["string", "null"], format: "date", default: null, title: { en: "Since" }, "x-needed-when": { carry: "since" } },
    started_at: { type: ["string", "null"], format: "date-time", default: null, "x-fill": "start" },
    category: { type: ["string", "null"], default: null, "x-options": { connector: "personio", lookup: "categories" } },
    share: { type: "integer", minimum: 1, maximum: 100, default: 20 },
    eager: { type: "boolean", default: false },
  },
};

describe("a schema", () => {
  it("becomes fields; what the host fills in is not among them", () => {
    expect(fieldsOf(schema).map(({ name, kind, nullable }) => [name, kind, nullable])).toEqual([
      ["departments", "many", false],
      ["zone", "time-zone", false],
      ["carry", "choice", false],
      ["since", "date", true],
      ["category", "lookup", true],
      ["share", "number", false],
      ["eager", "boolean", false],
    ]);
    expect(fieldsOf({})).toEqual([]);
    expect(fieldsOf({ properties: { odd: { type: "object" } } })[0]).toMatchObject({ kind: "text", title: { en: "odd" } });
  });

  it("has the file's order and every language, as the server sends it", () => {
    const sent = {
      properties: {
        carry_over: { type: "string", title: "Earlier", "x-title": { en: "Earlier", de: "Früher" } },
        category: { type: "string", title: "Category", "x-title": { en: "Category", de: "Kategorie" }, description: "Where", "x-description": { en: "Where", de: "Wo" } },
      },
      "x-order": ["category", "carry_over"],
    };
    expect(fieldsOf(sent)).toMatchObject([
      { name: "category", title: { de: "Kategorie" }, description: { de: "Wo" } },
      { name: "carry_over", title: { de: "Früher" }, description: null },
    ]);
  });

  it("gives defaults, and keeps what was said", () => {
    expect(withDefaults(schema, { zone: "UTC", $map: { a: null } })).toMatchObject({ zone: "UTC", departments: [], carry: "all", $map: { a: null } });
  });

  it("asks for a setting only where it counts, and then needs it", () => {
    const since = fieldsOf(schema).find((field) => field.name === "since");
    const value = withDefaults(schema, { carry: "since" });
    expect(since && [isAsked(since, value), isAsked(since, withDefaults(schema))]).toEqual([true, false]);
    expect(checkSettings(schema, value)).toMatchObject([{ pointer: "/settings/since", code: "missing" }]);
    expect(checkSettings(schema, { ...value, since: "2026-02-30x" })).toMatchObject([{ code: "date" }]);
    expect(checkSettings(schema, { ...value, since: "2026-02-03" })).toEqual([]);
    expect(tidied(schema, { ...value, since: "2026-02-03", carry: "all" })["since"]).toBeNull();
  });

  it("is checked before anything is sent", () => {
    const wrong = { ...withDefaults(schema), zone: "Mars/Olympus", share: 1.5, carry: "none" };
    expect(checkSettings(schema, wrong).map(({ pointer, code }) => [pointer, code])).toEqual([
      ["/settings/zone", "time-zone"],
      ["/settings/carry", "choice"],
      ["/settings/share", "number"],
    ]);
    expect(checkSettings(schema, { ...withDefaults(schema), share: 101 })).toMatchObject([{ code: "max" }]);
    expect(checkSettings(schema, { ...withDefaults(schema), zone: "" })).toMatchObject([{ code: "missing" }]);
  });

  it("finds the error that belongs to a field", () => {
    const errors = [{ pointer: "/settings/departments/2", code: "unknown", message: "no such department" }];
    expect(errorAt(errors, "/settings/departments")?.code).toBe("unknown");
    expect(errorAt(errors, "/settings/depart")).toBeUndefined();
  });
});

describe("values", () => {
  it("are the same in whatever order their names are", () => {
    expect(same({ a: [1, { b: 2, c: null }], d: "x" }, { d: "x", a: [1, { c: null, b: 2 }] })).toBe(true);
    expect(same({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(same({ a: null }, { a: {} })).toBe(false);
    expect(same({ a: 1 }, { a: 1, b: 2 })).toBe(false);
  });
});

describe("a cadence", () => {
  it.each([
    { kind: "every", seconds: 300 },
    { kind: "every", seconds: 7200 },
    { kind: "every", seconds: 86_400 },
    { kind: "cron", expression: "30 7 * * *", time_zone: "Europe/Vienna" },
    { kind: "cron", expression: "0 6 * * 1-5", time_zone: "UTC" },
    { kind: "on-demand" },
  ] as const)("comes out of its draft as it went in: %o", (cadence) => {
    const draft = draftOf(cadence, "Europe/Berlin");
    expect(checkDraft(draft)).toBeNull();
    expect(cadenceOf(draft)).toEqual(cadence);
  });

  it("is edited by what it says", () => {
    expect(draftOf({ kind: "cron", expression: "5 7 * * *", time_zone: "UTC" }, "UTC")).toMatchObject({ rhythm: "daily", time: "07:05" });
    expect(draftOf({ kind: "every", seconds: 7200 }, "UTC")).toMatchObject({ rhythm: "hours", every: 2 });
  });

  it("that cannot be is found", () => {
    const draft = draftOf({ kind: "on-demand" }, "UTC");
    expect(checkDraft({ ...draft, rhythm: "minutes", every: 0 })).toBe("every");
    expect(checkDraft({ ...draft, rhythm: "hours", every: 1.5 })).toBe("every");
    expect(checkDraft({ ...draft, rhythm: "daily", time: "25:00" })).toBe("time");
    expect(checkDraft({ ...draft, rhythm: "cron", expression: "* * *" })).toBe("expression");
  });
});

describe("help", () => {
  it("in an order becomes steps", () => {
    expect(stepsOf("1. Open Settings. 2. Click Add 3 times. 3. Save.")).toEqual(["Open Settings.", "Click Add 3 times.", "Save."]);
    expect(stepsOf("In the academy: 1. Open it.\n2. Copy both.")).toEqual(["In the academy:", "Open it.", "Copy both."]);
  });

  it("without one stays as it is", () => {
    expect(stepsOf("Paste the URL. Version 2.0 is fine.")).toEqual(["Paste the URL. Version 2.0 is fine."]);
    expect(stepsOf("Open it.\n\nCopy both.")).toEqual(["Open it.", "Copy both."]);
    expect(stepsOf(" ")).toEqual([]);
  });
});

describe("a mapping", () => {
  const write: FlowWrite = { name: "position", title: { en: "Position" }, expression: "trim(e.position)", open: true, required: false };

  it("keeps only what differs from the file", () => {
    const changed = withOverride({ zone: "UTC" }, write, "upper(e.position)");
    expect(changed).toEqual({ zone: "UTC", $map: { position: "upper(e.position)" } });
    expect(expressionOf(write, overridesOf(changed))).toBe("upper(e.position)");
    expect(withOverride(changed, write, " trim(e.position) ")).toEqual({ zone: "UTC" });
    expect(withOverride(changed, write, undefined)).toEqual({ zone: "UTC" });
    expect(expressionOf(write, overridesOf(withOverride(changed, write, null)))).toBeNull();
  });

  it("leaves other fields alone, and nonsense out", () => {
    expect(withOverride({ $map: { gender: null } }, write, "e.x")["$map"]).toEqual({ gender: null, position: "e.x" });
    expect(overridesOf({ $map: { a: 3, b: "e.b" } })).toEqual({ b: "e.b" });
    expect(overridesOf({ $map: [] })).toEqual({});
  });

  it("knows what expressions call the record", () => {
    const flow = (expression: string) => ({ reads: [{ name: "course", title: {} }], writes: [{ ...write, expression }] }) as unknown as Flow;
    expect(recordName(flow("trim(settings.course + c.course)"))).toBe("c");
    expect(recordName(flow("coalesce(person.?course, 1)"))).toBe("person");
    expect(recordName(flow("1"))).toBe("e");
  });

  it("shows values as people say them", () => {
    expect(shown({ id: 3, name: "Sales" })).toBe("Sales");
    expect(shown([{ name: "A" }, "B"])).toBe("A, B");
    expect([shown(null), shown(""), shown(false), shown({ a: 1 })]).toEqual([null, null, "false", '{"a":1}']);
  });
});
