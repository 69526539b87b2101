// What the element and the page in its frame say to each other. Every message carries `matricula: 1`, the version of
// this protocol, and both sides name the other's exact origin when they send and compare it when they receive.

/** Sentences of the page by key; those given here take the place of the page's own. */
export type Phrases = Record<string, string>;

/** Custom properties that the vendor's page may set on the element; what is not set is left to the page. */
export const themeVariables = [
  "--matricula-accent",
  "--matricula-font",
  "--matricula-radius",
  "--matricula-background",
  "--matricula-text",
] as const;

/** Light or dark surfaces. */
export type Scheme = "light" | "dark";

/** From the element to the page. */
export type ToFrame =
  | { type: "token"; token: string }
  | { type: "theme"; scheme: Scheme; variables: Record<string, string> }
  | { type: "locale"; locale: string }
  | { type: "phrases"; phrases: Phrases }
  | { type: "screen"; path: string };

/** From the page to the element. Fields are what a well-meaning page sends: they are checked before use. */
export type FromFrame =
  | { type: "ready" }
  | { type: "token-needed" }
  | { type: "height"; px: unknown }
  | { type: "screen"; path: unknown }
  | { type: "event"; name: unknown; detail: unknown };

/** What the page may have the element announce to the vendor's page. */
export const announced: ReadonlySet<unknown> = new Set([
  "automation-started",
  "automation-paused",
  "automation-deactivated",
  "automation-reactivated",
  "credential-added",
  "session-error",
]);
