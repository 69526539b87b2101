import { describe, expect, it } from "vitest";

import type { CredentialTest, Flow, Session } from "../../api/types";
import { type Draft, draftOf, dropDraft, isReady, keepDraft, reachable, request, type Side } from "./draft";

const flow = {
  name: "sync-employees",
  records: "people",
  schedule: { kind: "every", seconds: 300 },
  settings_schema: {
    properties: {
      carry: { enum: ["all", "since"], default: "all" },
      since: { type: ["string", "null"], format: "date", default: null, "x-needed-when": { carry: "since" } },
    },
  },
} as unknown as Flow;

const session = { locale: "de-AT", person: { id: "u", name: "Robin Sommer", email: "robin@example.com" } } as Session;
const fine: CredentialTest = { ok: true, account: "acme", findings: [{ ok: true, subject: "a", message: "" }], failure: null };
const lacking: CredentialTest = { ...fine, ok: false, findings: [{ ok: false, subject: "b", message: "" }] };
const refused: CredentialTest = { ...fine, ok: false, failure: { kind: "auth", message: "no" } };
const side = (part: Partial<Side> = {}): Side => ({ credential: "c", test: fine, accepted: false, ...part });
const draft = (part: Partial<Draft> = {}): Draft => ({ ...draftOf(flow, session), source: side(), target: side(), ...part });

describe("a draft", () => {
  it("begins with the flow's defaults, and with the person who starts as a recipient", () => {
    expect(draftOf(flow, session)).toMatchObject({
      settings: { carry: "all", since: null },
      schedule: { kind: "every", seconds: 300 },
      contacts: [{ email: "robin@example.com", language: "de", alerts: true, report: true }],
    });
    expect(draftOf(flow, { ...session, person: { id: "u", name: "R" } }).contacts).toEqual([]);
  });

  it("outlives its screen until it is dropped", () => {
    keepDraft("sync-employees", draft({ contacts: [] }));
    expect(draftOf(flow, session).contacts).toEqual([]);
    dropDraft("sync-employees");
    expect(draftOf(flow, session).contacts).toHaveLength(1);
  });

  it("is connected by a test that was passed, or whose gaps were accepted; a refusal cannot be accepted", () => {
    expect(isReady(side())).toBe(true);
    expect(isReady(side({ test: null }))).toBe(false);
    expect(isReady(side({ credential: null }))).toBe(false);
    expect(isReady(side({ test: lacking }))).toBe(false);
    expect(isReady(side({ test: lacking, accepted: true }))).toBe(true);
    expect(isReady(side({ test: refused, accepted: true }))).toBe(false);
  });

  it("lets no address jump over a step", () => {
    expect(reachable("preview", draft())).toBe("preview");
    expect(reachable("preview", draft({ source: side({ test: null }) }))).toBe("source");
    expect(reachable("preview", draft({ target: side({ test: lacking }) }))).toBe("target");
    expect(reachable("preview", draft({ schedule: null }))).toBe("settings");
    expect(reachable("source", draft())).toBe("source");
    expect(reachable("nonsense", draft())).toBe("source");
    expect(reachable(null, draft())).toBe("source");
  });

  it("is sent without what is not asked for", () => {
    const sent = request(flow, draft({ settings: { carry: "all", since: "2026-01-01" } }));
    expect(sent).toEqual({
      flow: "sync-employees",
      source: "c",
      target: "c",
      settings: { carry: "all", since: null },
      schedule: { kind: "every", seconds: 300 },
    });
  });
});
