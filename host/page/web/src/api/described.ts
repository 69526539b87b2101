/**
 * That the page's own types are those of the API: `generated.ts` is made from its description (`cargo xtask openapi`),
 * and what the page reads must be in it, may be null where it may be, and mean the same. Nothing of this runs; it
 * does not compile where something is off, and the error names the property.
 */

import type { components } from "./generated";
import type * as Page from "./types";

type Schemas = components["schemas"];

/** What in `Own` is not as in `Described`, by its path; never if nothing is. */
type Off<Own, Described, At extends string> = [unknown] extends [Own]
  ? never
  : null extends Described
    ? null extends Own
      ? Inside<NonNullable<Own>, NonNullable<Described>, At>
      : undefined extends Own
        ? Inside<NonNullable<Own>, NonNullable<Described>, At>
        : `${At} may be null`
    : Inside<NonNullable<Own>, NonNullable<Described>, At>;

type Inside<Own, Described, At extends string> = Described extends readonly (infer DescribedItem)[]
  ? Own extends readonly (infer OwnItem)[]
    ? Off<OwnItem, DescribedItem, `${At}[]`>
    : `${At} is a list`
  : Described extends object
    ? string extends keyof Own
      ? never
      : { [Name in keyof Own & string]: Name extends keyof Described ? Off<Own[Name], Described[Name], `${At}.${Name}`> : `${At}.${Name} is not there` }[keyof Own & string]
    : [Own] extends [Described]
      ? never
      : [Described] extends [Own]
        ? never
        : `${At} is something else`;

interface Pairs {
  Session: [Page.Session, Schemas["SessionShown"]];
  LocalToken: [Page.LocalToken, Schemas["Token"]];
  Problem: [Omit<Page.Problem, "help">, Schemas["Problem"]];
  Failure: [Page.Failure, Schemas["Failure"]];
  Flow: [Page.Flow, Schemas["Flow"]];
  Requirement: [Page.Requirement, Schemas["Requirement"]];
  ExpressionCheck: [Page.ExpressionCheck, Schemas["Evaluated"]];
  Connector: [Page.Connector, Schemas["Connector"]];
  ConnectWindow: [Page.ConnectWindow, Schemas["Window"]];
  Credential: [Page.Credential, Schemas["Credential"]];
  CredentialTest: [Page.CredentialTest, Schemas["Test"]];
  LookupItem: [Page.LookupItem, Schemas["Choice"]];
  Sample: [Page.Sample, Schemas["Sample"]];
  Plan: [Page.Plan, Schemas["Plan"]];
  PlannedRecord: [Page.PlannedRecord, Schemas["Planned"]];
  Run: [Page.Run, Schemas["Run"]];
  RunRecord: [Page.RunRecord, Schemas["RecordShape"]];
  Automation: [Page.Automation, Schemas["Automation"]];
  NewAutomation: [Page.NewAutomation, Schemas["Start"]];
  AutomationPatch: [Page.AutomationPatch, Schemas["Patch"]];
  HistoryEntry: [Page.HistoryEntry, Schemas["EntryShape"]];
  StagedRecord: [Page.StagedRecord, Schemas["Staged"]];
  OpenDocument: [Page.OpenDocument, Schemas["OpenDocument"]];
  Notice: [Page.Notice, Schemas["NoticeShape"]];
}

type Offences = { [Name in keyof Pairs]: Off<Pairs[Name][0], Pairs[Name][1], Name> }[keyof Pairs];
type Nothing<Found extends never> = Found;

export type Agreed = Nothing<Offences>;
