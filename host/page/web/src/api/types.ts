/**
 * What the REST API under `/api/v1` takes and gives. Everything else imports these names from here, so that types
 * generated from the OpenAPI description can take their place.
 */

/** A text by language. */
export type Text = Readonly<Record<string, string>>;

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

export type Role = "owner" | "viewer";

export interface Person {
  id: string;
  name: string;
  email?: string;
  picture?: string;
}

export interface Session {
  tenant: string;
  vendor: string;
  vendor_title: Text;
  person: Person;
  role: Role;
  locale: string;
  flows: string[] | null;
  expires_at: string;
  /** The vendor's own sentence about flows that were not bought. */
  not_bought: Text;
}

export interface LocalToken {
  token: string;
  expires_at: string;
}

export interface ProblemError {
  pointer: string;
  code: string;
  message: string;
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  errors?: ProblemError[];
  help?: Readonly<Record<string, unknown>>;
}

export type FailureKind =
  | "auth"
  | "permission"
  | "config"
  | "input"
  | "not-found"
  | "conflict"
  | "rate-limited"
  | "unavailable"
  | "protocol"
  | "internal"
  | "fault";

export interface Failure {
  kind: FailureKind;
  code?: string | null;
  message: string;
  retry_after?: number | null;
}

export type Records = "people" | "documents";

export type Cadence =
  | { kind: "every"; seconds: number }
  | { kind: "cron"; expression: string; time_zone: string }
  | { kind: "on-demand" };

export interface FlowSide {
  connector: string;
  title: Text;
  icon: string | null;
}

export interface NamedTitle {
  name: string;
  title: Text;
}

export interface FlowWrite extends NamedTitle {
  expression: string;
  open: boolean;
  required: boolean;
}

export interface Need {
  subject: string;
  attributes: string[];
}

export interface Guard {
  share: number;
  from: number;
  count: number;
}

/** A JSON Schema of an object: the form of a flow's settings. */
export type SettingsSchema = Readonly<Record<string, unknown>>;
export type Settings = Record<string, unknown>;

export interface Flow {
  name: string;
  version: string;
  title: Text;
  summary: Text;
  records: Records;
  source: FlowSide;
  target: FlowSide;
  available: boolean;
  schedule: Cadence;
  requires: { flow: string; title: Text }[];
  reads: NamedTitle[];
  writes: FlowWrite[];
  needs: { source: Need[]; target: Need[] };
  settings_schema: SettingsSchema;
  leavers: string | null;
  guard: Guard | null;
  activation: "at-once" | "tested";
  groups: { kind: string; title: Text }[];
  automations: number;
}

export interface Requirement {
  flow: string;
  title: Text;
  met: boolean;
  automation?: string | null;
}

export interface ExpressionCheck {
  ok: boolean;
  problems: { line: number; column: number; message: string; hint?: string | null }[];
  reads: string[];
  value?: unknown;
  error?: string | null;
}

export interface ConnectorField {
  name: string;
  title: Text;
  help: Text;
  secret: boolean;
  required: boolean;
  format?: string | null;
}

export interface ConnectorMethod {
  id: string;
  title: Text;
  help: Text;
  /** What is typed. */
  fields: ConnectorField[];
  /** In a window of the system's own, and nothing is typed. */
  sign_in: boolean;
  /** Such a window can be opened again for a connection that there is. */
  renews: boolean;
  /** Whether such a connection is ended when its last credential is removed. */
  ends: boolean;
}

/** A window that somebody signs in to a system in. */
export interface ConnectWindow {
  link: string;
  widget: string;
  frame: string;
  expires_at: string | null;
}

export interface Connector {
  id: string;
  version: string;
  title: Text;
  summary: Text;
  icon: string | null;
  methods: ConnectorMethod[];
  streams: { name: string; title: Text; attributes: NamedTitle[] }[];
}

export interface Credential {
  id: string;
  name: string;
  connector: string;
  method: string;
  public: Record<string, unknown>;
  created_at: string;
  tested_at: string | null;
  tested: "ok" | "findings" | "failed" | null;
  used_by: { automation: string; flow: string; title: Text }[];
}

export interface Finding {
  ok: boolean;
  subject: string;
  message: string;
}

export interface CredentialTest {
  ok: boolean;
  account: string | null;
  findings: Finding[];
  failure: Failure | null;
}

export interface LookupItem {
  value: string;
  label: string;
  hint?: string | null;
}

export interface Sample {
  key: string;
  record: Record<string, unknown>;
}

export type OutcomeKind =
  | "created"
  | "updated"
  | "unchanged"
  | "deactivated"
  | "reactivated"
  | "skipped"
  | "staged"
  | "ambiguous"
  | "failed";

export type Counts = Record<OutcomeKind, number>;

export interface PlanSide {
  account: string | null;
  findings: Finding[];
}

export interface Plan {
  id: string;
  flow: string;
  status: "running" | "done" | "failed";
  read: number;
  total: number | null;
  counts: Counts;
  cycle: Cycle | null;
  guard: Text | null;
  notes: Text[];
  source: PlanSide | null;
  target: PlanSide | null;
  requirements: Requirement[];
  failure: Failure | null;
  expires_at: string;
}

export interface PlannedRecord {
  key: string;
  who: string | null;
  kind: OutcomeKind;
  code: string | null;
  reason: string | null;
  adopts: boolean;
  changes: { attribute: string; old: unknown; new: unknown }[];
}

export type Cycle = "full" | "incremental";
export type RunStatus = "running" | "succeeded" | "partial" | "failed" | "stopped";

export type Trigger =
  | { kind: "manual"; by: { name: string; picture?: string | null } }
  | { kind: "schedule" }
  | { kind: "webhook" };

export interface Run {
  id: number;
  automation: string;
  flow: string;
  trigger: Trigger;
  cycle: Cycle;
  status: RunStatus;
  started_at: string;
  finished_at: string | null;
  counts: Counts;
  requests: { source: number; target: number };
  error: Failure | null;
  notes: Text[];
}

export interface RunRecord {
  key: string;
  target: string | null;
  kind: OutcomeKind;
  code: string | null;
  reason: string | null;
  changed: string[];
}

export type AutomationState = "active" | "quarantined" | "paused" | "deactivated";

export interface AutomationSide {
  id: string;
  name: string;
  connector: string;
  title: Text;
  icon: string | null;
}

export interface Contact {
  email: string;
  name?: string;
  language: "en" | "de";
  alerts: boolean;
  report: boolean;
}

export interface HealthBar {
  run: number;
  status: RunStatus;
  started_at: string;
}

export interface Automation {
  id: string;
  flow: string;
  version: string | null;
  title: Text;
  records: Records;
  state: AutomationState;
  running: boolean;
  source: AutomationSide;
  target: AutomationSide;
  settings: Settings;
  schedule: Cadence;
  next_run_at: string | null;
  last_run: Run | null;
  last_succeeded_at: string | null;
  hold: { failure: Failure; since: string; attempts: number } | null;
  overdue: boolean;
  staged: number;
  doubtful: number;
  population: { linked: number; active: number };
  health: HealthBar[];
  update_available: boolean;
  created_at: string;
  contacts: Contact[];
}

export interface NewAutomation {
  flow: string;
  source: string;
  target: string;
  settings: Settings;
  schedule?: Cadence;
  contacts: Contact[];
  accept_findings: boolean;
  /** A preview of just this that was looked at. */
  plan?: string;
}

export interface AutomationPatch {
  settings?: Settings;
  schedule?: Cadence;
  contacts?: Contact[];
  source?: string;
  target?: string;
}

export type AutomationAction = "run" | "deactivate" | "reactivate" | "retry" | "reevaluate" | "adopt";

export interface HistoryEntry {
  id: number | string;
  at: string;
  actor: { kind: "person"; name: string; picture?: string | null } | { kind: "system" };
  deed: string;
  details: unknown;
}

export interface StagedRecord {
  key: string;
  target: string | null;
  /** Why they would lose access. */
  reason: string | null;
}

export interface OpenDocument {
  key: string;
  state: string;
  owner: string | null;
  size: number | null;
  sent_at: string | null;
  attempts: number;
  not_before: string | null;
}

export interface Progress {
  run: number;
  phase: string;
  read: number;
  total: number | null;
  counts: Counts;
}

export interface Notice {
  id: number | string;
  kind: string;
  at: string;
  automation: string | null;
  reason: string;
  facts: Record<string, unknown>;
}
