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

/** How long before its end a token is replaced; a very short one is half-way, as the vendor's page does it. */
const AHEAD_MS = 60_000;
/** What a request may take that was begun with a token; less for a very short one. */
const MARGIN_MS = 5_000;
/** How long nobody asks after a token has come a second time; twice as long each time that it comes again. */
const PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 300_000;
/** What is longer, a timer takes for no time at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** How long the vendor's page may take for a token. */
const PATIENCE_MS = 15_000;

interface Held {
  token: string;
  /** Milliseconds since 1970 by this machine's clock; null if the token does not tell. */
  expires: number | null;
}

/**
 * When a JWT that has just come ends by this machine's clock, without checking anything: only to ask for the next one
 * in time. Its lifetime is `exp` − `iat`, counted from now, since that clock may be wrong; it is only gone by where the
 * token does not tell when it was signed.
 */
export function expiryOf(token: string): number | null {
  try {
    const claims = token.split(".")[1];
    if (claims === undefined) return null;
    const bytes = atob(claims.replace(/-/g, "+").replace(/_/g, "/"));
    const { iat, exp } = JSON.parse(bytes) as { iat?: unknown; exp?: unknown };
    if (typeof exp !== "number") return null;
    return typeof iat === "number" ? Date.now() + Math.max(exp - iat, 0) * 1000 : exp * 1000;
  } catch {
    return null;
  }
}

/** Keeps one token and has one request for the next under way at most. */
abstract class Keeper implements TokenSource {
  #held: Held | null = null;
  /** Until when it is used without asking for another. */
  #good = 0;
  /** When another is asked for ahead of time. */
  #due = Infinity;
  #pause = 0;
  /** Until when one that was turned down is not asked for: it has just come again. */
  #vain = 0;
  #asked: Promise<Held> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Gets the next token. */
  protected abstract ask(former: string | null): Promise<Held>;

  async token(): Promise<string> {
    const held = this.#held;
    if (held !== null && Date.now() < this.#good) return held.token;
    return (await this.#next()).token;
  }

  async fresh(rejected: string): Promise<string> {
    const held = this.#held;
    if (held !== null && (held.token !== rejected || Date.now() < this.#vain)) return held.token;
    const { token } = await this.#next();
    if (token === rejected) this.#vain = Date.now() + PAUSE_MS;
    return token;
  }

  protected hold(held: Held): void {
    const now = Date.now();
    if (held.token === this.#held?.token) {
      // Somebody keeps tokens for a while. It ends when it would have ended, and asking at once would bring it again.
      if (now < this.#due) return;
      this.#pause = Math.min(this.#pause * 2 || PAUSE_MS, LONGEST_PAUSE_MS);
      this.#good = Math.max(this.#good, now + this.#pause);
      this.#renewIn(this.#pause);
      return;
    }
    this.#held = held;
    this.#pause = this.#vain = 0;
    if (held.expires === null) {
      this.#good = Infinity;
      this.#renewIn(Infinity);
      return;
    }
    const left = Math.max(held.expires - now, 0);
    this.#good = held.expires - Math.min(MARGIN_MS, left / 10);
    this.#renewIn(Math.max(left - AHEAD_MS, left / 2));
  }

  /** A timer sleeps while the machine does; token() looks at the clock all the same. */
  #renewIn(wait: number): void {
    clearTimeout(this.#timer);
    this.#due = Date.now() + wait;
    const ends = this.#held?.expires ?? Infinity;
    // For one that has ended another is asked for when somebody needs it.
    if (wait === Infinity || Date.now() >= ends) return;
    this.#timer = setTimeout(() => void this.#next().catch(() => undefined), Math.min(Math.max(wait, 1_000), LONGEST_TIMER_MS));
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
    const held: Held = { token: answer.token, expires: expiryOf(answer.token) ?? Date.parse(answer.expires_at) };
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
