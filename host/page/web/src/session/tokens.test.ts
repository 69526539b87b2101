import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { NoAnswer } from "../api/problem";
import { type Bridge, type FromHost, type ToHost } from "./bridge";
import { expiryOf, HostTokens, LocalTokens } from "./tokens";

const base = new URL("https://example.com/api/v1/");
const NOW = Date.parse("2026-11-22T07:00:00Z");

class Memory implements Storage {
  readonly #items = new Map<string, string>();
  get length() {
    return this.#items.size;
  }
  clear = () => this.#items.clear();
  getItem = (key: string) => this.#items.get(key) ?? null;
  key = (index: number) => [...this.#items.keys()][index] ?? null;
  removeItem = (key: string) => void this.#items.delete(key);
  setItem = (key: string, value: string) => void this.#items.set(key, value);
}

const sessionStorage = new Memory();

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  sessionStorage.clear();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const jwt = (seconds: number, name = "") =>
  ["e30", btoa(JSON.stringify({ exp: NOW / 1000 + seconds, name })).replaceAll("=", ""), "sig"].join(".");

/** As backends sign them: by a clock that this machine's may be ahead of. */
const signed = (life: number, ahead = 0, name = "") => {
  const iat = Date.now() / 1000 - ahead;
  return ["e30", btoa(JSON.stringify({ iat, exp: iat + life, name })).replaceAll("=", ""), "sig"].join(".");
};

function host() {
  const said: ToHost[] = [];
  let answer: (token: string) => void = () => undefined;
  const bridge = {
    say: (message: ToHost) => said.push(message),
    on: (type: FromHost["type"], handler: (message: { type: "token"; token: string }) => void) => {
      if (type === "token") answer = (token) => handler({ type: "token", token });
    },
  };
  return { tokens: new HostTokens(bridge as unknown as Bridge), said, answer: (token: string) => answer(token) };
}

it("reads when a token ends and is not put out by what is none", () => {
  expect(expiryOf(jwt(600))).toBe(NOW + 600_000);
  expect(expiryOf("opaque")).toBeNull();
  expect(expiryOf("a.%%%.b")).toBeNull();
});

it("takes the token that the vendor's page gives at the start, and asks for none", async () => {
  const { tokens, said, answer } = host();
  const both = Promise.all([tokens.token(), tokens.token()]);
  answer(jwt(600));
  expect(new Set(await both)).toEqual(new Set([jwt(600)]));
  expect(await tokens.token()).toBe(jwt(600));
  expect(said).toEqual([]);
});

it("asks once for another, however many were turned down, where the first had ended already", async () => {
  const { tokens, said, answer } = host();
  const first = tokens.token();
  answer(jwt(-300));
  expect(await first).toBe(jwt(-300));
  const all = Promise.all([tokens.fresh(jwt(-300)), tokens.fresh(jwt(-300)), tokens.token()]);
  expect(said).toEqual([{ type: "token-needed" }]);
  answer(jwt(600));
  expect(new Set(await all)).toEqual(new Set([jwt(600)]));
  expect(await tokens.fresh(jwt(-300))).toBe(jwt(600));
  vi.advanceTimersByTime(60_000);
  expect(said).toHaveLength(1);
});

it("asks for the next one a minute before the end", async () => {
  const { tokens, said, answer } = host();
  const first = tokens.token();
  answer(jwt(600));
  await first;
  vi.advanceTimersByTime(539_000);
  expect(said).toHaveLength(0);
  vi.advanceTimersByTime(2_000);
  expect(said).toHaveLength(1);
  answer(jwt(1_140, "next"));
  await vi.advanceTimersByTimeAsync(0);
  expect(await tokens.token()).toBe(jwt(1_140, "next"));
});

it("counts a token's life from when it came, whatever this machine's clock says", async () => {
  const { tokens, said, answer } = host();
  for (const ahead of [3_600, -3_600]) {
    said.length = 0;
    const token = signed(600, ahead);
    answer(token);
    await vi.advanceTimersByTimeAsync(539_000);
    expect(await tokens.token()).toBe(token);
    expect(said).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said).toHaveLength(1);
    answer(signed(600, ahead, "next"));
    await vi.advanceTimersByTimeAsync(0);
  }
});

it("asks half-way for the next of a token that is short, and no more often", async () => {
  const { tokens, said, answer } = host();
  answer(signed(40));
  await vi.advanceTimersByTimeAsync(19_000);
  expect(said).toHaveLength(0);
  for (let round = 1; round <= 3; round += 1) {
    await vi.advanceTimersByTimeAsync(1_000);
    expect(said).toHaveLength(round);
    const next = signed(40, 0, `${round}`);
    answer(next);
    await vi.advanceTimersByTimeAsync(19_000);
    expect(await tokens.token()).toBe(next);
    expect(said).toHaveLength(round);
  }
});

it("asks ever more seldom while the same token comes back, and goes on with it", async () => {
  const { tokens, said, answer } = host();
  const kept = signed(600);
  answer(kept);
  answer(kept);
  await vi.advanceTimersByTimeAsync(539_000);
  expect(said, "that it was said twice is no reason to ask").toHaveLength(0);
  const until = Date.now() + 3_600_000;
  for (let answered = 0; Date.now() < until; ) {
    await vi.advanceTimersByTimeAsync(1_000);
    const token = tokens.token();
    await vi.advanceTimersByTimeAsync(0);
    for (; answered < said.length; answered += 1) answer(kept);
    expect(await token).toBe(kept);
  }
  expect(said.length).toBeGreaterThan(6);
  expect(said.length).toBeLessThan(25);
  const before = said.length;
  const next = signed(600, 0, "next");
  answer(next);
  expect(await tokens.token()).toBe(next);
  await vi.advanceTimersByTimeAsync(539_000);
  expect(said).toHaveLength(before);
});

it("asks once in a while for one that is turned down and comes again", async () => {
  const { tokens, said, answer } = host();
  const kept = signed(600);
  answer(kept);
  for (let call = 0; call < 10; call += 1) {
    const fresh = tokens.fresh(kept);
    answer(kept);
    expect(await fresh).toBe(kept);
  }
  expect(said).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(5_000);
  const fresh = tokens.fresh(kept);
  answer(signed(600, 0, "next"));
  expect(await fresh).not.toBe(kept);
  expect(said).toHaveLength(2);
});

it("does not take a far end for a near one", async () => {
  const { tokens, said, answer } = host();
  const far = signed(90 * 86_400);
  answer(far);
  await vi.advanceTimersByTimeAsync(86_400_000);
  expect(await tokens.token()).toBe(far);
  expect(said).toHaveLength(0);
});

it("asks anew for one that was turned down, and not for one that was replaced since", async () => {
  const { tokens, said, answer } = host();
  const first = tokens.token();
  answer(jwt(600));
  await first;
  const fresh = tokens.fresh(jwt(600));
  answer(jwt(700));
  expect(await fresh).toBe(jwt(700));
  expect(await tokens.fresh(jwt(600))).toBe(jwt(700));
  expect(said).toHaveLength(1);
});

it("says that the vendor's page does not answer, and asks it later", async () => {
  const { tokens, said, answer } = host();
  const waiting = expect(tokens.token()).rejects.toMatchObject({ reason: "host-silent" });
  await vi.advanceTimersByTimeAsync(15_000);
  await waiting;
  const again = tokens.token();
  answer(jwt(600));
  expect(await again).toBe(jwt(600));
  expect(said).toEqual([{ type: "token-needed" }]);
});

const answers = (...given: [number, object][]) => {
  const fetcher = vi.fn(async (_url: URL, _init: RequestInit) => {
    const [status, body] = given.shift() ?? [500, {}];
    return new Response(JSON.stringify(body), { status });
  });
  vi.stubGlobal("fetch", fetcher);
  return fetcher;
};
const until = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();

it("exchanges a sign-in code once and keeps the token for the tab", async () => {
  const fetcher = answers([200, { token: "one", expires_at: until(600) }]);
  expect(await new LocalTokens(base, "c0de", sessionStorage).token()).toBe("one");
  expect(String(fetcher.mock.calls[0]?.[0])).toBe("https://example.com/api/v1/session/local");
  expect(fetcher.mock.calls[0]?.[1].body).toBe('{"code":"c0de"}');
  expect(await new LocalTokens(base, null, sessionStorage).token()).toBe("one");
  expect(fetcher).toHaveBeenCalledTimes(1);
});

it("renews with the token it has", async () => {
  const fetcher = answers([200, { token: "one", expires_at: until(600) }], [200, { token: "two", expires_at: until(1140) }]);
  const tokens = new LocalTokens(base, "c0de", sessionStorage);
  await tokens.token();
  await vi.advanceTimersByTimeAsync(540_001);
  expect(await tokens.token()).toBe("two");
  expect(new Headers(fetcher.mock.calls[1]?.[1].headers).get("authorization")).toBe("Bearer one");
});

it("renews by the life of its token, not by this machine's clock", async () => {
  const one = signed(600, 3_600);
  const ended = new Date(NOW - 3_000_000).toISOString();
  const fetcher = answers([200, { token: one, expires_at: ended }], [200, { token: "two", expires_at: until(1140) }]);
  const tokens = new LocalTokens(base, "c0de", sessionStorage);
  await tokens.token();
  await vi.advanceTimersByTimeAsync(539_000);
  expect(await tokens.token()).toBe(one);
  expect(await new LocalTokens(base, null, sessionStorage).token()).toBe(one);
  expect(fetcher).toHaveBeenCalledTimes(1);
});

it("keeps the code of a link while the server cannot be reached", async () => {
  const fetcher = answers([200, { token: "one", expires_at: until(600) }]);
  fetcher.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  const tokens = new LocalTokens(base, "c0de", sessionStorage);
  await expect(tokens.token()).rejects.toBeInstanceOf(NoAnswer);
  expect(await tokens.token()).toBe("one");
});

it("tells a used link from an ended session and from none", async () => {
  answers([404, {}]);
  await expect(new LocalTokens(base, "used", sessionStorage).token()).rejects.toMatchObject({ reason: "link-used" });
  await expect(new LocalTokens(base, null, sessionStorage).token()).rejects.toMatchObject({ reason: "not-signed-in" });
  answers([200, { token: "one", expires_at: until(600) }], [401, {}]);
  const tokens = new LocalTokens(base, "c0de", sessionStorage);
  await tokens.token();
  await expect(tokens.fresh("one")).rejects.toMatchObject({ reason: "ended" });
  expect(sessionStorage).toHaveLength(0);
});
