// `<matricula-automations>`: a frame with the page, and what passes between it and the page around it. All the logic
// of automations is in the frame; here is only what a frame cannot do for itself: get a token from the vendor's
// backend, be as tall as its content, know the look and the place that it has, and be heard outside.
//
// Styles are set through the DOM and never as markup, so that a page without `unsafe-inline` can hold the element.

import { announced, type FromFrame, type Phrases, type ToFrame } from "./messages.js";
import { phrase } from "./phrases.js";
import { readTheme } from "./theme.js";
import { fetchToken, renewAfter, type Token, TokenError } from "./token.js";

/** How long the page may take to say `ready` before the element says that it does not come. */
const silence = 20_000;
/** Distances of renewed tries for a token while the old one lasts. */
const firstRetry = 5_000;
/** Taller than any page gets; a height beyond it is a mistake. */
const tallest = 200_000;

/** Detail of `session-error` as the element itself tells it; the page in the frame tells of tokens that Matricula turns
 * down, with a `code` of its own. `code`: `signed-out`, `token` (no usable token), `unreachable` (the frame stays
 * silent) or `server` (the element does not know where Matricula is). */
export interface SessionErrorDetail {
  code: "signed-out" | "token" | "unreachable" | "server";
  message: string;
  /** HTTP status of the token endpoint, if it answered. */
  status: number | null;
}

let home: string | null = null;
// So that the module can be loaded where there is no DOM, as by a server that renders the page.
const Base = typeof HTMLElement === "undefined" ? (class {} as typeof HTMLElement) : HTMLElement;

/** Registers the element. `server` is the address that holds where the element has no `server` attribute. */
export function define(server: string | null): void {
  home ??= server;
  if (typeof customElements !== "undefined" && !customElements.get("matricula-automations")) {
    customElements.define("matricula-automations", MatriculaAutomations);
  }
}

/** Attributes: `token-endpoint`, `server`, `locale`, `theme` (auto, light, dark), `screen`. Events, all of which bubble:
 * `automation-started`, `automation-paused`, `automation-deactivated`, `automation-reactivated`, `credential-added`,
 * `screen` (`{path}`), `session-error` (SessionErrorDetail). */
export class MatriculaAutomations extends Base {
  static readonly observedAttributes = ["token-endpoint", "server", "locale", "theme", "screen"];

  #root: ShadowRoot | null = null;
  #frame: HTMLIFrameElement | null = null;
  /** Everything that lives as long as the element is in the document hangs on this. */
  #life: AbortController | null = null;
  #token: Token | null = null;
  #fetching: Promise<void> | null = null;
  #timer = 0;
  #watch = 0;
  #retry = firstRetry;
  #ready = false;
  #failed = false;
  #path = "";
  #wanted: string | null = null;
  #phrases: Phrases = {};
  #lastTheme = "";

  /** Sentences that take the place of the page's own, by key. */
  get phrases(): Phrases {
    return this.#phrases;
  }

  set phrases(phrases: Phrases) {
    this.#phrases = { ...phrases };
    this.#send({ type: "phrases", phrases: this.#phrases });
  }

  /** The screen that is shown, such as `/automations`. Setting it goes there. */
  get screen(): string {
    return this.#path || route(this.getAttribute("screen"));
  }

  set screen(path: string) {
    this.setAttribute("screen", path);
  }

  connectedCallback(): void {
    const life = new AbortController();
    const { signal } = life;
    this.#life = life;
    this.#root ??= this.attachShadow({ mode: "open" });
    this.style.display ||= "block";
    // What was set before this script had come is on the object and hides the accessor.
    for (const name of ["phrases", "screen"] as const) {
      if (!Object.hasOwn(this, name)) continue;
      const value: unknown = this[name];
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }

    addEventListener("message", (event) => this.#hear(event), { signal });
    const look = () => this.#sendTheme();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", look, { signal });
    document.addEventListener("transitionend", look, { signal });
    const observer = new MutationObserver(look);
    for (const node of [document.documentElement, document.body, this]) {
      observer.observe(node, { attributes: true, attributeFilter: ["class", "style", "data-theme", "data-color-scheme"] });
    }
    signal.addEventListener("abort", () => observer.disconnect());
    void this.#renew();
  }

  disconnectedCallback(): void {
    this.#life?.abort();
    this.#life = null;
    this.#clear();
    this.#token = null;
    this.#fetching = null;
  }

  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (!this.#life || before === now) return;
    if (name === "theme") this.#sendTheme();
    else if (name === "locale") this.#sendLocale();
    else if (name === "screen") {
      // A frame that is on its way to another screen is told when it can hear.
      if (this.#frame && !this.#ready) this.#wanted = route(now);
      else if (route(now) !== this.#path) this.#send({ type: "screen", path: route(now) });
    } else {
      // Another endpoint or server is another session: begin anew.
      this.disconnectedCallback();
      this.connectedCallback();
    }
  }

  /** For the element's own few sentences. The page goes by the token, unless there is the attribute. */
  get #locale(): string {
    return this.getAttribute("locale") || this.closest("[lang]")?.getAttribute("lang") || navigator.language;
  }

  get #server(): URL | null {
    const address = this.getAttribute("server") ?? home;
    if (!address) return null;
    const url = new URL(address, document.baseURI);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url;
  }

  /** Gets a token and gives it to the frame, which is made if there is none yet. One at a time. */
  #renew(): Promise<void> {
    return (this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = null;
    }));
  }

  async #fetch(): Promise<void> {
    const life = this.#life;
    if (!life) return;
    clearTimeout(this.#timer);
    try {
      const server = this.#server;
      if (!server) {
        return this.#fail({ code: "server", message: "the element needs its server attribute", status: null });
      }
      const token = await fetchToken(this.getAttribute("token-endpoint") ?? "", life.signal);
      if (life !== this.#life) return;
      const other = this.#token && this.#token.vendor !== token.vendor;
      this.#token = token;
      this.#retry = firstRetry;
      if (!this.#frame || other) this.#mount(server, token);
      else this.#sendToken();
      this.#timer = window.setTimeout(() => void this.#renew(), renewAfter(token.lifetime));
    } catch (error) {
      if (life !== this.#life) return;
      const { code, message, status } = error instanceof TokenError ? error : new TokenError("token", String(error));
      this.#fail({ code, message, status });
      if (code === "signed-out") return;
      this.#timer = window.setTimeout(() => void this.#renew(), this.#retry);
      this.#retry = Math.min(this.#retry * 2, 60_000);
    }
  }

  #mount(server: URL, token: Token): void {
    this.#clear();
    const frame = document.createElement("iframe");
    const query = new URLSearchParams({ vendor: token.vendor, origin: location.origin });
    frame.title = phrase("embed.title", this.#locale, this.#phrases);
    frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups allow-downloads");
    frame.allow = "clipboard-write";
    // Not seen before it has its theme: a white flash on a dark page is a broken one.
    frame.style.cssText = "display:block;width:100%;height:320px;border:0;background:none;opacity:0";
    frame.src = `${server.href}app/?${query}#${route(this.#path || this.getAttribute("screen"))}`;
    this.#frame = frame;
    this.#root?.append(frame);
    this.#watch = window.setTimeout(() => {
      this.#fail({ code: "unreachable", message: `no answer from ${server.origin} in ${silence / 1000} s`, status: null });
    }, silence);
  }

  #clear(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    this.#root?.replaceChildren();
    this.#frame = null;
    this.#ready = this.#failed = false;
    this.#lastTheme = "";
    this.#wanted = null;
  }

  #hear(event: MessageEvent): void {
    const frame = this.#frame;
    if (!frame || event.source !== frame.contentWindow || event.origin !== this.#server?.origin) return;
    const message = event.data as ({ matricula?: unknown } & FromFrame) | null;
    if (message?.matricula !== 1) return;
    switch (message.type) {
      case "ready":
        clearTimeout(this.#watch);
        this.#ready = true;
        this.#lastTheme = "";
        this.#sendTheme();
        this.#sendLocale();
        this.#send({ type: "phrases", phrases: this.#phrases });
        this.#sendToken();
        if (this.#wanted !== null) this.#send({ type: "screen", path: this.#wanted });
        this.#wanted = null;
        frame.style.display = "block";
        frame.style.opacity = "1";
        break;
      case "token-needed":
        void this.#renew();
        break;
      case "height": {
        const { px } = message;
        if (typeof px === "number" && px >= 0 && px <= tallest) frame.style.height = `${Math.ceil(px)}px`;
        break;
      }
      case "screen":
        if (typeof message.path === "string") {
          this.#path = route(message.path);
          this.#announce("screen", { path: this.#path });
        }
        break;
      case "event":
        if (announced.has(message.name)) this.#announce(message.name as string, message.detail);
    }
  }

  #announce(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  #send(message: ToFrame): void {
    const server = this.#server;
    if (this.#ready && server) this.#frame?.contentWindow?.postMessage({ matricula: 1, ...message }, server.origin);
  }

  #sendToken(): void {
    if (!this.#token || !this.#ready) return;
    this.#send({ type: "token", token: this.#token.text });
    this.#failed = false;
    this.#root?.querySelector("[role=alert]")?.remove();
  }

  #sendLocale(): void {
    const locale = this.getAttribute("locale");
    if (locale) this.#send({ type: "locale", locale });
  }

  #sendTheme(): void {
    const frame = this.#frame;
    if (!frame || !this.#ready) return;
    const theme = readTheme(this, this.getAttribute("theme"));
    const text = JSON.stringify(theme);
    if (text === this.#lastTheme) return;
    this.#lastTheme = text;
    // A frame of another scheme than its document's is painted opaque.
    frame.style.colorScheme = theme.scheme;
    this.#send({ type: "theme", ...theme });
  }

  /** Says once what is wrong, to people in the element and to the page by an event. A frame that is there stays: what
   * somebody has typed into it is not lost. */
  #fail(detail: SessionErrorDetail): void {
    if (this.#failed) return;
    this.#failed = true;
    const key = detail.code === "signed-out" || detail.code === "token" ? detail.code : "unreachable";
    const box = document.createElement("div");
    box.setAttribute("role", "alert");
    box.style.cssText =
      "display:flex;flex-wrap:wrap;align-items:center;gap:8px 16px;padding:12px 16px;margin-bottom:16px;font-size:14px;line-height:20px;" +
      "border:1px solid color-mix(in srgb,currentColor 20%,transparent);border-radius:var(--matricula-radius,8px)";
    const text = document.createElement("span");
    text.style.cssText = "flex:1 1 240px";
    text.textContent = phrase(`embed.${key}`, this.#locale, this.#phrases);
    const again = document.createElement("button");
    again.type = "button";
    again.style.cssText =
      "font:inherit;font-weight:500;color:inherit;background:none;cursor:pointer;padding:6px 12px;" +
      "border:1px solid color-mix(in srgb,currentColor 30%,transparent);border-radius:calc(var(--matricula-radius,8px)*.75)";
    again.textContent = phrase("embed.retry", this.#locale, this.#phrases);
    again.addEventListener("click", () => {
      this.#failed = false;
      box.remove();
      if (detail.code === "unreachable") this.#clear();
      void this.#renew();
    });
    box.append(text, again);
    if (this.#frame && !this.#ready) this.#frame.style.display = "none";
    this.#root?.querySelector("[role=alert]")?.remove();
    this.#root?.prepend(box);
    this.#announce("session-error", detail);
  }
}

/** A screen's path with its leading slash; the start page for none. */
function route(path: string | null): string {
  const plain = (path ?? "").trim();
  if (!plain) return "/";
  return plain.startsWith("/") ? plain : `/${plain}`;
}
