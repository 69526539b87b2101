/**
 * What has been chosen so far. It outlives the screen, so that the browser's Back loses nothing; secrets are never
 * in it: they go from the form straight to the server.
 */

import type { Cadence, Contact, CredentialTest, Flow, NewAutomation, ProblemError, Session, Settings } from "../../api/types";
import { tidied, withDefaults } from "../../forms";

export const STEPS = ["source", "target", "settings", "preview"] as const;
export type Step = (typeof STEPS)[number];

/** One of the two systems. */
export interface Side {
  credential: string | null;
  /** Of this credential, for this flow. */
  test: CredentialTest | null;
  /** Rights that are missing are done without. */
  accepted: boolean;
}

export interface Draft {
  source: Side;
  target: Side;
  settings: Settings;
  /** Null while what was entered is none. */
  schedule: Cadence | null;
  contacts: Contact[];
  /** What is wrong with them, as the server said. */
  errors: readonly ProblemError[];
  /** A preview that was made, and of what. */
  plan: { id: string; of: string } | null;
}

const drafts = new Map<string, Draft>();

const nothing: Side = { credential: null, test: null, accepted: false };

export function draftOf(flow: Flow, session: Session): Draft {
  const { email, name } = session.person;
  const language = session.locale.startsWith("de") ? "de" : "en";
  return (
    drafts.get(flow.name) ?? {
      source: nothing,
      target: nothing,
      settings: withDefaults(flow.settings_schema),
      schedule: flow.schedule,
      contacts: email === undefined ? [] : [{ email, name, language, alerts: true, report: flow.records === "people" }],
      errors: [],
      plan: null,
    }
  );
}

export const keepDraft = (flow: string, draft: Draft) => void drafts.set(flow, draft);
export const dropDraft = (flow: string) => void drafts.delete(flow);

/** Whether a system is connected well enough to go on. */
export const isReady = ({ credential, test, accepted }: Side): boolean =>
  credential !== null && test !== null && test.failure === null && (accepted || test.findings.every((finding) => finding.ok));

/** The step that can be shown: an address may name one that is not to be reached yet. */
export function reachable(wanted: string | null, draft: Draft): Step {
  const step = STEPS.find((one) => one === wanted) ?? "source";
  if (!isReady(draft.source)) return "source";
  if (!isReady(draft.target) && step !== "source") return "target";
  if (step === "preview" && draft.schedule === null) return "settings";
  return step;
}

/** What a preview is made of, and an automation of it. */
export function request(flow: Flow, draft: Draft): Omit<NewAutomation, "contacts" | "accept_findings"> {
  return {
    flow: flow.name,
    source: draft.source.credential ?? "",
    target: draft.target.credential ?? "",
    settings: tidied(flow.settings_schema, draft.settings),
    schedule: draft.schedule ?? flow.schedule,
  };
}
