/**
 * Tokens: where they come from, and how there is always one that is good. Inside a vendor's page they are asked for
 * there; for somebody alone a one-time sign-in link is exchanged, and the token renewed before it ends.
 */

import type { TokenSource } from "../api/client";
import { NoAnswer, problemOf } from "../api/problem";
import type { LocalToken } from "../api/types";
import type { Bridge } from "./bridge";

/** Why there is no token. */
export type NoSessionReason = "not-signed-in" | "link-used" | "ended" | "host-silent" | "refused";

export class NoSession extends Error {
  readonly reason: NoSessionReason;

  constructor(reason: NoSessionReason) {
    super(reason);
    this.name = "NoSession";
    this.reason = reason;
  }
}

/** How long before its end a token is replaced. */
const AHEAD_MS = 60_000;
/** How long the vendor's page may take for a token. */
const PATIENCE_MS = 15_000;

interface Held {
  token: string;
  /** Milliseconds since 1970; null if the token does not tell. */
  expires: number | null;
}

/** When a JWT ends, without checking anything: only to ask for the next one in time. */
export function expiryOf(token: string): number | null {
  try {
    const claims = token.split(".")[1];
    if (claims === undefined) return null;
    const bytes = atob(claims.replace(/-/g, "+").replace(/_/g, "/"));
    const { exp } = JSON.parse(bytes) as { exp?: unknown };
    return typeof exp === "number" ? exp * 1000 : null;
  } catch {
    return null;
  }
}

/** Keeps one token and has one request for the next under way at most. */
abstract class Keeper implements TokenSource {
  #held: Held | null = null;
  #asked: Promise<Held> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Gets the next token. */
  protected abstract ask(former: string | null): Promise<Held>;

  async token(): Promise<string> {
    const held = this.#held;
    if (held !== null && (held.expires === null || held.expires > Date.now() + 5_000)) return held.token;
    return (await this.#next()).token;
  }

  async fresh(rejected: string): Promise<string> {
    const held = this.#held;
    if (held !== null && held.token !== rejected) return held.token;
    return (await this.#next()).token;
  }

  protected hold(held: Held): void {
    this.#held = held;
    clearTimeout(this.#timer);
    if (held.expires === null) return;
    // A timer sleeps while the machine does; token() looks at the clock all the same.
    const wait = Math.max(held.expires - Date.now() - AHEAD_MS, 1_000);
    this.#timer = setTimeout(() => void this.#next().catch(() => undefined), wait);
  }

  #next(): Promise<Held> {
    this.#asked ??= this.ask(this.#held?.token ?? null)
      .then((held) => {
        this.hold(held);
        return held;
      })
      .finally(() => {
        this.#asked = null;
      });
    return this.#asked;
  }
}

/** Tokens of the vendor's page, which gives the first by itself to a page that is ready. */
export class HostTokens extends Keeper {
  readonly #bridge: Bridge;
  #coming = true;
  #arrived: ((token: string) => void) | null = null;

  constructor(bridge: Bridge) {
    super();
    this.#bridge = bridge;
    bridge.on("token", ({ token }) => {
      this.#coming = false;
      if (this.#arrived !== null) this.#arrived(token);
      else this.hold({ token, expires: expiryOf(token) });
    });
  }

  protected override ask(): Promise<Held> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#coming = false;
        this.#arrived = null;
        reject(new NoSession("host-silent"));
      }, PATIENCE_MS);
      this.#arrived = (token) => {
        clearTimeout(timer);
        this.#arrived = null;
        resolve({ token, expires: expiryOf(token) });
      };
      // Whoever asks while the first is on its way is given two.
      if (!this.#coming) this.#bridge.say({ type: "token-needed" });
    });
  }
}

const KEPT = "matricula.session";

/** Tokens of somebody who has opened a sign-in link; kept for as long as the tab is open. */
export class LocalTokens extends Keeper {
  readonly #base: URL;
  readonly #storage: Storage;
  #code: string | null;

  constructor(base: URL, code: string | null, storage: Storage) {
    super();
    this.#base = base;
    this.#storage = storage;
    this.#code = code;
    const kept = code === null ? readKept(storage) : null;
    if (kept !== null) this.hold(kept);
  }

  protected override async ask(former: string | null): Promise<Held> {
    const code = this.#code;
    if (code !== null) {
      const held = await this.#exchange("session/local", { code }, null, "link-used");
      this.#code = null;
      return held;
    }
    if (former === null) throw new NoSession("not-signed-in");
    return this.#exchange("session/renew", {}, former, "ended");
  }

  async #exchange(path: string, body: object, token: string | null, refusal: NoSessionReason): Promise<Held> {
    const headers = new Headers({ "content-type": "application/json", accept: "application/json" });
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    const request: RequestInit = { method: "POST", headers, body: JSON.stringify(body), credentials: "omit", cache: "no-store" };
    const response = await fetch(new URL(path, this.#base), request).catch((error: unknown) => {
      throw new NoAnswer(error);
    });
    if (response.status >= 400 && response.status < 500 && response.status !== 429) {
      this.#storage.removeItem(KEPT);
      throw new NoSession(refusal);
    }
    if (!response.ok) throw await problemOf(response);
    const answer = (await response.json()) as LocalToken;
    const held: Held = { token: answer.token, expires: Date.parse(answer.expires_at) };
    this.#storage.setItem(KEPT, JSON.stringify(held));
    return held;
  }
}

function readKept(storage: Storage): Held | null {
  try {
    const kept = JSON.parse(storage.getItem(KEPT) ?? "null") as Held | null;
    return kept !== null && typeof kept.token === "string" && (kept.expires ?? 0) > Date.now() ? kept : null;
  } catch {
    return null;
  }
}
