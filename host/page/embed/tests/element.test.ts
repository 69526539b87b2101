import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { define, type MatriculaAutomations, type SessionErrorDetail } from "../src/element.js";
import type { ToFrame } from "../src/messages.js";

const server = "https://automations.example.com";
const endpoint = "/matricula-token";

define(`${server}/`);

// Frames load nothing here: what they are pointed at is only kept.
const addresses = new WeakMap<object, string>();
Object.defineProperty(HTMLIFrameElement.prototype, "src", {
  get: function (this: object) {
    return addresses.get(this) ?? "";
  },
  set: function (this: object, address: string) {
    addresses.set(this, address);
  },
});

/** An unsigned token: the element reads it and leaves the checking to the server. */
function jwt(claims: object): string {
  const part = (value: object) => btoa(JSON.stringify(value)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  return `${part({ alg: "EdDSA" })}.${part(claims)}.sig`;
}

const ten = (extra: object = {}) => jwt({ iss: "northwind", sub: "u-1", iat: 1000, exp: 1600, ...extra });

let answers: Array<() => Response | Promise<Response>>;
let asked: Array<{ url: string; init: RequestInit }>;

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  asked = [];
  vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
    asked.push({ url: String(url), init });
    const answer = answers.shift();
    if (!answer) throw new TypeError("nobody is there");
    return answer();
  });
});

afterEach(() => {
  document.body.replaceChildren();
  document.documentElement.removeAttribute("lang");
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const token = (text: string) => () => Response.json({ token: text });
const settle = () => vi.advanceTimersByTimeAsync(0);

interface Placed {
  element: MatriculaAutomations;
  frame: () => HTMLIFrameElement;
  sent: Array<{ message: { matricula: number } & ToFrame; origin: string }>;
  says: (data: unknown, from?: { origin?: string; source?: unknown }) => void;
  alert: () => HTMLElement | null;
  errors: SessionErrorDetail[];
}

/** The element in the page, its frame's window replaced by one that notes what it is sent. */
async function place(attributes: Record<string, string> = {}): Promise<Placed> {
  const element = document.createElement("matricula-automations") as MatriculaAutomations;
  for (const [name, value] of Object.entries({ "token-endpoint": endpoint, ...attributes })) element.setAttribute(name, value);
  const errors: SessionErrorDetail[] = [];
  element.addEventListener("session-error", (event) => errors.push((event as CustomEvent<SessionErrorDetail>).detail));
  document.body.append(element);
  await settle();
  const sent: Placed["sent"] = [];
  const inside = { postMessage: (message: Placed["sent"][number]["message"], origin: string) => sent.push({ message, origin }) };
  const frame = () => element.shadowRoot?.querySelector("iframe") as HTMLIFrameElement;
  if (frame()) Object.defineProperty(frame(), "contentWindow", { value: inside, configurable: true });
  return {
    element,
    frame,
    sent,
    errors,
    alert: () => element.shadowRoot?.querySelector("[role=alert]") ?? null,
    says: (data, { origin = server, source = inside } = {}) =>
      window.dispatchEvent(new MessageEvent("message", { data, origin, source: source as Window })),
  };
}

const of = (placed: Placed, type: ToFrame["type"]) => placed.sent.filter(({ message }) => message.type === type).map(({ message }) => message);

describe("the frame", () => {
  it("is that of the token's vendor, on the server that the script came from", async () => {
    answers = [token(ten())];
    const { frame, element } = await place({ screen: "automations" });
    const url = new URL(frame().src);
    expect(url.origin + url.pathname).toBe(`${server}/app/`);
    expect(Object.fromEntries(url.searchParams)).toEqual({ vendor: "northwind", origin: "https://app.northwind.example" });
    expect(url.hash).toBe("#/automations");
    expect(frame().getAttribute("sandbox")).toBe("allow-scripts allow-same-origin allow-forms allow-popups allow-downloads");
    expect(frame().title).toBe("Automations");
    expect(element.screen).toBe("/automations");
  });

  it("is asked for below the server's path, if it has one", async () => {
    answers = [token(ten())];
    const { frame } = await place({ server: "https://other.example.org/matricula" });
    expect(frame().src).toMatch(/^https:\/\/other\.example\.org\/matricula\/app\/\?vendor=northwind&/);
  });

  it("asks the vendor's backend with a POST of the same origin", async () => {
    answers = [token(ten())];
    await place();
    expect(asked).toHaveLength(1);
    expect(asked[0]?.url).toBe(`https://app.northwind.example${endpoint}`);
    expect(asked[0]?.init).toMatchObject({ method: "POST", credentials: "same-origin", cache: "no-store" });
  });

  it("goes to the screen that was named while it was loading", async () => {
    answers = [token(ten())];
    const placed = await place();
    placed.element.screen = "/credentials";
    expect(placed.sent).toEqual([]);
    placed.says({ matricula: 1, type: "ready" });
    expect(placed.sent.map(({ message }) => message)).toContainEqual({ matricula: 1, type: "screen", path: "/credentials" });
    // Told once: a page that is loaded again is where its own address says.
    placed.sent.length = 0;
    placed.says({ matricula: 1, type: "ready" });
    expect(placed.sent.filter(({ message }) => message.type === "screen")).toEqual([]);
  });

  it("is told nothing before it is ready, then token, theme, locale and phrases", async () => {
    answers = [token(ten())];
    const placed = await place({ locale: "de", theme: "dark" });
    placed.element.phrases = { "catalogue.title": "Verbindungen" };
    expect(placed.sent).toEqual([]);
    expect(placed.frame().style.opacity).toBe("0");
    placed.says({ matricula: 1, type: "ready" });
    expect(new Set(placed.sent.map(({ origin }) => origin))).toEqual(new Set([server]));
    expect(placed.sent.every(({ message }) => message.matricula === 1)).toBe(true);
    expect(of(placed, "token")).toEqual([{ matricula: 1, type: "token", token: ten() }]);
    expect(of(placed, "theme")).toMatchObject([{ scheme: "dark" }]);
    expect(of(placed, "locale")).toMatchObject([{ locale: "de" }]);
    expect(of(placed, "phrases")).toMatchObject([{ phrases: { "catalogue.title": "Verbindungen" } }]);
    expect(placed.frame().style.opacity).toBe("1");
  });

  it("goes by the token's locale, unless the attribute says another", async () => {
    document.documentElement.lang = "de";
    answers = [token(ten())];
    const placed = await place();
    placed.says({ matricula: 1, type: "ready" });
    expect(of(placed, "locale")).toEqual([]);
    placed.element.setAttribute("locale", "en");
    expect(of(placed, "locale")).toMatchObject([{ locale: "en" }]);
  });

  it("takes the height that it asks for, and no nonsense", async () => {
    answers = [token(ten())];
    const { says, frame } = await place();
    says({ matricula: 1, type: "height", px: 812.4 });
    expect(frame().style.height).toBe("813px");
    for (const px of [-1, Number.NaN, Infinity, 10_000_000, "900", null]) says({ matricula: 1, type: "height", px });
    expect(frame().style.height).toBe("813px");
  });
});

it("takes what was set before its script had come", async () => {
  answers = [token(ten())];
  const early = document.createElement("div");
  document.body.append(early);
  const element = document.createElement("matricula-automations") as MatriculaAutomations;
  Object.defineProperty(element, "screen", { value: "/credentials", configurable: true, writable: true, enumerable: true });
  Object.defineProperty(element, "phrases", { value: { a: "b" }, configurable: true, writable: true, enumerable: true });
  early.append(element);
  await settle();
  expect(element.getAttribute("screen")).toBe("/credentials");
  expect(Object.hasOwn(element, "phrases")).toBe(false);
  expect(element.phrases).toEqual({ a: "b" });
  expect((element.shadowRoot?.querySelector("iframe") as HTMLIFrameElement).src).toMatch(/#\/credentials$/);
});

describe("origins", () => {
  it("ignores what comes from another origin, another window or in another protocol", async () => {
    answers = [token(ten())];
    const placed = await place();
    const heard = vi.fn();
    placed.element.addEventListener("automation-started", heard);
    const started = { matricula: 1, type: "event", name: "automation-started", detail: { flow: "sync-employees" } };
    placed.says(started, { origin: "https://evil.example" });
    placed.says(started, { origin: "https://automations.example.com.evil.example" });
    placed.says(started, { origin: "null" });
    placed.says(started, { source: window });
    placed.says({ ...started, matricula: 2 });
    placed.says({ type: "ready" });
    placed.says("ready");
    placed.says(null);
    expect(heard).not.toHaveBeenCalled();
    expect(placed.sent).toEqual([]);
    placed.says(started);
    expect(heard).toHaveBeenCalledOnce();
  });

  it("does not ask an endpoint of another origin", async () => {
    const { errors, frame } = await place({ "token-endpoint": "https://evil.example/token" });
    expect(asked).toEqual([]);
    expect(frame()).toBeNull();
    expect(errors).toMatchObject([{ code: "token" }]);
  });
});

describe("events", () => {
  it("come out of the element and bubble, those that are known", async () => {
    answers = [token(ten())];
    const { says } = await place();
    const heard: Array<[string, unknown]> = [];
    const names = ["automation-started", "automation-paused", "automation-deactivated", "automation-reactivated", "credential-added", "session-error"];
    const note = (event: Event) => heard.push([event.type, (event as CustomEvent).detail]);
    for (const name of [...names, "click", "screen"]) document.body.addEventListener(name, note);
    for (const name of [...names, "click", "screen"]) says({ matricula: 1, type: "event", name, detail: { id: name } });
    for (const name of [...names, "click", "screen"]) document.body.removeEventListener(name, note);
    expect(heard).toEqual(names.map((name) => [name, { id: name }]));
  });

  it("tells the screen, and goes to one that is set", async () => {
    answers = [token(ten())];
    const placed = await place();
    const heard = vi.fn();
    placed.element.addEventListener("screen", (event) => heard((event as CustomEvent).detail));
    placed.says({ matricula: 1, type: "ready" });
    placed.says({ matricula: 1, type: "screen", path: "/credentials" });
    expect(heard).toHaveBeenCalledWith({ path: "/credentials" });
    placed.element.screen = "/credentials";
    expect(of(placed, "screen")).toEqual([]);
    placed.element.screen = "catalogue";
    expect(of(placed, "screen")).toMatchObject([{ path: "/catalogue" }]);
  });
});

describe("tokens", () => {
  it("are fetched anew 60 s before the old one ends, and handed over", async () => {
    answers = [token(ten()), token(ten({ jti: 2 }))];
    const placed = await place();
    placed.says({ matricula: 1, type: "ready" });
    await vi.advanceTimersByTimeAsync(539_000);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(2);
    expect(of(placed, "token")).toMatchObject([{ token: ten() }, { token: ten({ jti: 2 }) }]);
  });

  it("count from when they arrive, whatever this machine's clock says", async () => {
    vi.setSystemTime(0);
    answers = [token(ten({ iat: 4_000_000_000, exp: 4_000_000_100 })), token(ten())];
    await place();
    await vi.advanceTimersByTimeAsync(49_000);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked).toHaveLength(2);
  });

  it("are fetched when the frame needs one, once at a time", async () => {
    answers = [token(ten()), () => new Promise((done) => setTimeout(() => done(Response.json({ token: ten({ jti: 2 }) })), 100))];
    const placed = await place();
    placed.says({ matricula: 1, type: "ready" });
    for (let time = 0; time < 3; time += 1) placed.says({ matricula: 1, type: "token-needed" });
    await vi.advanceTimersByTimeAsync(100);
    expect(asked).toHaveLength(2);
    expect(of(placed, "token")).toHaveLength(2);
  });

  it("of another vendor get another frame", async () => {
    answers = [token(ten()), token(ten({ iss: "contoso" }))];
    const placed = await place();
    placed.says({ matricula: 1, type: "token-needed" });
    await settle();
    expect(new URL(placed.frame().src).searchParams.get("vendor")).toBe("contoso");
    expect(placed.element.shadowRoot?.querySelectorAll("iframe")).toHaveLength(1);
  });
});

describe("errors", () => {
  const wrong: Array<[string, () => Response | Promise<Response>, Partial<SessionErrorDetail>]> = [
    ["500", () => new Response("", { status: 500 }), { code: "token", status: 500 }],
    ["401", () => new Response("", { status: 401 }), { code: "signed-out", status: 401 }],
    ["no JSON", () => new Response("<html>"), { code: "token", status: 200 }],
    ["no token", () => Response.json({ jwt: "…" }), { code: "token" }],
    ["no JWT", () => Response.json({ token: "secret" }), { code: "token", message: "the token is not a JWT" }],
    ["no issuer", () => Response.json({ token: jwt({ iat: 1, exp: 2 }) }), { code: "token" }],
    ["no life", () => Response.json({ token: jwt({ iss: "n", iat: 2, exp: 2 }) }), { code: "token" }],
    ["nobody", () => Promise.reject(new TypeError("down")), { code: "token", status: null }],
  ];
  it.each(wrong)("of the endpoint are shown and told: %s", async (_, answer, detail) => {
    answers = [answer];
    const { errors, alert, frame } = await place();
    expect(errors).toMatchObject([detail]);
    expect(alert()?.querySelector("button")?.textContent).toBe("Try again");
    expect(frame()).toBeNull();
  });

  it("are said in the page's language, or in the vendor's own words", async () => {
    document.documentElement.lang = "de-AT";
    answers = [() => new Response("", { status: 401 })];
    expect((await place()).alert()?.textContent).toContain("Melden Sie sich neu an");
    document.body.replaceChildren();
    const element = document.createElement("matricula-automations") as MatriculaAutomations;
    element.phrases = { "embed.token": "Hier hakt es." };
    document.body.append(element);
    await settle();
    expect(element.shadowRoot?.querySelector("[role=alert] span")?.textContent).toBe("Hier hakt es.");
  });

  it("never leave the message of an error in the element", async () => {
    answers = [() => Response.json({ token: "<img src=x onerror=alert(1)>" })];
    expect((await place()).alert()?.innerHTML).not.toContain("img");
  });

  it("are tried again by the button", async () => {
    answers = [() => new Response("", { status: 401 }), token(ten())];
    const { alert, frame } = await place();
    alert()?.querySelector("button")?.click();
    await settle();
    expect(alert()).toBeNull();
    expect(frame()).not.toBeNull();
  });

  it("are tried again by themselves at growing distances, and told once", async () => {
    answers = [token(ten())];
    const placed = await place();
    placed.says({ matricula: 1, type: "ready" });
    await vi.advanceTimersByTimeAsync(540_000);
    expect([asked.length, placed.errors.length]).toEqual([2, 1]);
    expect(placed.frame()).not.toBeNull();
    await vi.advanceTimersByTimeAsync(5_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([asked.length, placed.errors.length]).toEqual([4, 1]);
    answers = [token(ten({ jti: 9 }))];
    await vi.advanceTimersByTimeAsync(20_000);
    expect(placed.alert()).toBeNull();
    expect(of(placed, "token")).toHaveLength(2);
  });

  it("say that the frame stays silent, and take it back if it was only late", async () => {
    answers = [token(ten())];
    const placed = await place();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(placed.errors).toMatchObject([{ code: "unreachable" }]);
    expect(placed.frame().style.display).toBe("none");
    placed.says({ matricula: 1, type: "ready" });
    expect(placed.alert()).toBeNull();
    expect(placed.frame().style.display).toBe("block");
  });
});

describe("leaving the document", () => {
  it("stops everything: timers, listeners, the frame and a request under way", async () => {
    answers = [token(ten())];
    const placed = await place();
    const heard = vi.fn();
    placed.element.addEventListener("automation-started", heard);
    placed.says({ matricula: 1, type: "ready" });
    const before = placed.sent.length;
    placed.element.remove();
    expect(placed.element.shadowRoot?.childElementCount).toBe(0);
    placed.says({ matricula: 1, type: "event", name: "automation-started", detail: null });
    placed.element.phrases = { a: "b" };
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(heard).not.toHaveBeenCalled();
    expect(placed.sent).toHaveLength(before);
    expect(asked).toHaveLength(1);
    expect(asked[0]?.init.signal?.aborted).toBe(true);
  });

  it("does not mount what arrives afterwards, and begins anew when it is put back", async () => {
    answers = [() => new Promise((done) => setTimeout(() => done(Response.json({ token: ten() })), 100)), token(ten())];
    const { element, errors } = await place();
    element.remove();
    await vi.advanceTimersByTimeAsync(200);
    expect(element.shadowRoot?.childElementCount).toBe(0);
    expect(errors).toEqual([]);
    document.body.append(element);
    await settle();
    expect(element.shadowRoot?.querySelectorAll("iframe")).toHaveLength(1);
  });
});
