/**
 * The wire to the vendor's page that shows this one in a frame. Both ends name the other's exact origin; every
 * message is `{matricula: 1, type, …}`.
 */

import type { Scheme } from "../theme/theme";

/** What the vendor's page says. */
export type FromHost =
  | { type: "token"; token: string }
  | { type: "theme"; scheme: Scheme; variables: Record<string, string> }
  | { type: "locale"; locale: string }
  | { type: "phrases"; phrases: Record<string, string> }
  | { type: "screen"; path: string };

/** What this page says. */
export type ToHost =
  | { type: "ready" }
  | { type: "token-needed" }
  | { type: "height"; px: number }
  | { type: "screen"; path: string }
  | { type: "event"; name: EventName; detail: Record<string, unknown> };

export type EventName =
  | "automation-started"
  | "automation-paused"
  | "automation-deactivated"
  | "automation-reactivated"
  | "credential-added"
  | "session-error";

type Handlers = { [Type in FromHost["type"]]?: (message: Extract<FromHost, { type: Type }>) => void };

export class Bridge {
  readonly #host: Window;
  readonly #origin: string;
  readonly #handlers: Handlers = {};

  constructor(own: Window, host: Window, origin: string) {
    this.#host = host;
    this.#origin = origin;
    own.addEventListener("message", (event) => {
      if (event.source !== host || event.origin !== origin) return;
      const message = read(event.data);
      if (message !== null) this.#handle(message);
    });
  }

  on<Type extends FromHost["type"]>(type: Type, handler: (message: Extract<FromHost, { type: Type }>) => void): void {
    (this.#handlers as Record<string, unknown>)[type] = handler;
  }

  say(message: ToHost): void {
    this.#host.postMessage({ matricula: 1, ...message }, this.#origin);
  }

  #handle(message: FromHost): void {
    (this.#handlers[message.type] as ((message: FromHost) => void) | undefined)?.(message);
  }
}

/** A message of ours, checked field by field: whatever else arrives is left alone. */
export function read(data: unknown): FromHost | null {
  if (!isObject(data) || data["matricula"] !== 1) return null;
  const { type } = data;
  if (type === "token" && typeof data["token"] === "string") return { type, token: data["token"] };
  if (type === "locale" && typeof data["locale"] === "string") return { type, locale: data["locale"] };
  if (type === "screen" && typeof data["path"] === "string") return { type, path: data["path"] };
  if (type === "phrases") return { type, phrases: texts(data["phrases"]) };
  if (type === "theme") {
    const { scheme } = data;
    return {
      type,
      scheme: scheme === "light" || scheme === "dark" ? scheme : "auto",
      variables: texts(data["variables"]),
    };
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function texts(value: unknown): Record<string, string> {
  if (!isObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** The origin that the address names, if this page is in a frame and it is an origin. */
export function hostOrigin(search: string): string | null {
  const named = new URLSearchParams(search).get("origin");
  if (named === null) return null;
  try {
    const url = new URL(named);
    return url.origin === named && /^https?:$/.test(url.protocol) ? named : null;
  } catch {
    return null;
  }
}
