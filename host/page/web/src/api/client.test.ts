import { expect, it, vi } from "vitest";

import { Api, type TokenSource } from "./client";
import { ApiProblem, NoAnswer } from "./problem";

const base = new URL("https://example.com/api/v1/");

function api(answers: (Response | Error | DOMException)[], tokens: TokenSource = { token: async () => "t1", fresh: async () => "t2" }) {
  const fetcher = vi.fn<typeof fetch>(async () => {
    const next = answers.shift();
    if (next === undefined) throw new Error("asked once too often");
    if (next instanceof Response) return next;
    throw next;
  });
  // Headers are one object for both tries: what was sent is noted at the time.
  const sent: { url: string; headers: Record<string, string>; method: string; body: unknown }[] = [];
  const noted: typeof fetch = (url, init) => {
    sent.push({
      url: String(url),
      headers: Object.fromEntries(new Headers(init?.headers)),
      method: init?.method ?? "GET",
      body: init?.body,
    });
    return fetcher(url, init);
  };
  return { api: new Api(base, tokens, noted), sent };
}

const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(value), { status, headers });

it("asks with the token and leaves out what is not asked for", async () => {
  const { api: client, sent } = api([json({ items: [], next: null })]);
  await client.get("automations", { query: { flow: "a b", cursor: null, state: "" } });
  expect(sent[0]?.url).toBe("https://example.com/api/v1/automations?flow=a+b");
  expect(sent[0]?.headers["authorization"]).toBe("Bearer t1");
  expect(sent[0]?.headers["idempotency-key"]).toBeUndefined();
});

it("sends a request that was turned down once more with a fresh token, under the same key", async () => {
  const { api: client, sent } = api([json({}, 401), json({ id: "a1" })]);
  expect(await client.post("automations/a1/run")).toEqual({ id: "a1" });
  expect(sent.map(({ headers }) => headers["authorization"])).toEqual(["Bearer t1", "Bearer t2"]);
  const keys = sent.map(({ headers }) => headers["idempotency-key"]);
  expect(keys[0]).toMatch(/^[\x21-\x7e]{1,128}$/);
  expect(keys[1]).toBe(keys[0]);
});

it("gives up when the fresh token is turned down too", async () => {
  const refusal = { code: "session.invalid", title: "", detail: "", status: 401, type: "" };
  const { api: client } = api([json(refusal, 401), json(refusal, 401)]);
  await expect(client.get("session")).rejects.toMatchObject({ code: "session.invalid", status: 401 });
});

it("gives each POST a key of its own", async () => {
  const { api: client, sent } = api([json({}), json({})]);
  await client.post("a");
  await client.post("a");
  expect(sent[0]?.headers["idempotency-key"]).not.toBe(sent[1]?.headers["idempotency-key"]);
});

it("names the version that is changed and gives the new one", async () => {
  const { api: client, sent } = api([json({ id: "a1" }, 200, { etag: '"2"' })]);
  const changed = await client.patch("automations/a1", { settings: {} }, { etag: '"1"' });
  expect(sent[0]?.headers["if-match"]).toBe('"1"');
  expect(changed).toEqual({ value: { id: "a1" }, etag: '"2"' });
});

it("throws what the API says is wrong, by code and place", async () => {
  const problem = {
    type: "urn:matricula:problem:settings.wrong",
    title: "t",
    status: 422,
    code: "settings.wrong",
    detail: "d",
    errors: [{ pointer: "/settings/category", code: "gone", message: "m" }],
  };
  const { api: client } = api([json(problem, 422)]);
  const error = await client.post("automations", {}).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiProblem);
  expect(error).toMatchObject({ code: "settings.wrong", passes: false, errors: problem.errors });
});

it("makes a problem of a proxy's page", async () => {
  const { api: client } = api([new Response("<html>", { status: 502 })]);
  await expect(client.get("flows")).rejects.toMatchObject({ code: "unavailable", status: 502, passes: true });
});

it("tells no answer from one that was not waited for", async () => {
  const aborted = new DOMException("", "AbortError");
  const { api: client } = api([new TypeError("Failed to fetch"), aborted]);
  await expect(client.get("flows")).rejects.toBeInstanceOf(NoAnswer);
  await expect(client.get("flows")).rejects.toBe(aborted);
});
