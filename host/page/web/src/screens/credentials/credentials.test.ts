import { describe, expect, it } from "vitest";

import { ApiProblem, NoAnswer } from "../../api/problem";
import type { Connector, ConnectorMethod, Credential } from "../../api/types";
import { accountOf } from "./account";
import { freeName, methodsOf, sent } from "./actions";
import { gift, leftOf, offeredAs } from "./connect";

const field = (name: string, secret: boolean) => ({ name, title: {}, help: {}, secret, required: true });
const method: ConnectorMethod = { id: "api", title: {}, help: {}, sign_in: false, renews: false, ends: false, fields: [field("client_id", false), field("client_secret", true), field("code", true)] };

describe("credentials", () => {
  it("get a name that no other has", () => {
    expect(freeName("Personio", [])).toBe("Personio");
    expect(freeName("Personio", ["Personio", "Personio 2"])).toBe("Personio 3");
  });

  it("are sent with secrets apart, and without what is empty or of another method", () => {
    const values = { client_id: " id ", client_secret: "s3cret ", code: " ", elsewhere: "x" };
    expect(sent(method, values)).toEqual({ public: { client_id: "id" }, secrets: { client_secret: "s3cret" } });
  });

  it("are replaced by the same connection or by what is typed", () => {
    const connector = { methods: [{ ...method, id: "window", sign_in: true }, { ...method, id: "renewed", sign_in: true, renews: true }, method] } as Connector;
    const ids = (existing: string | null) => methodsOf(connector, existing === null ? null : ({ method: existing } as Credential)).map((one) => one.id);
    expect(ids(null)).toEqual(["window", "renewed", "api"]);
    expect(ids("api")).toEqual(["api"]);
    expect(ids("window")).toEqual(["api"]);
    expect(ids("renewed")).toEqual(["renewed", "api"]);
  });

  it("stay of their connection where it would be left behind", () => {
    const bound = { ...method, sign_in: true, ends: true };
    const connector = { methods: [{ ...bound, id: "window" }, { ...bound, id: "renewed", renews: true }, method] } as Connector;
    const ids = (existing: string) => methodsOf(connector, { method: existing } as Credential).map((one) => one.id);
    expect(ids("window")).toEqual([]);
    expect(ids("renewed")).toEqual(["renewed"]);
    expect(ids("api")).toEqual(["api"]);
  });

  it("are made of what a window gave, also when storing it has failed", () => {
    const problem = (status: number, code: string) => new ApiProblem({ type: "", title: "", status, code, detail: "" });
    const first = gift("connect", "token", "HR");
    // It may have been done: the same request is sent again.
    for (const error of [new NoAnswer(null), problem(503, "store.busy"), problem(409, "idempotency.busy")]) expect(leftOf(first, error)).toBe(first);
    // An answer is kept under its key: the next request is another.
    for (const error of [problem(409, "store.exists"), problem(424, "connect.unavailable")]) {
      const left = leftOf(first, error);
      expect(left).toMatchObject({ method: "connect", token: "token" });
      expect(left?.key).not.toBe(first.key);
    }
    expect(leftOf(first, problem(422, "connect.refused"))).toBeNull();
    expect(leftOf(first, problem(409, "connect.other"))).toBeNull();
    expect(offeredAs(first, " HR ")).toBe(first);
    const renamed = offeredAs(first, "HR 2");
    expect(renamed.token).toBe("token");
    expect(renamed.key).not.toBe(first.key);
  });

  it("are told apart by an address, or by the first thing that is not secret", () => {
    expect(accountOf({ public: { client_id: "id", url: "https://b.example/scim" } } as unknown as Credential)).toBe("b.example/scim");
    expect(accountOf({ public: { client_id: "id", other: "x" } } as unknown as Credential)).toBe("id");
    expect(accountOf({ public: { port: 3, url: "https://a.example/scim" } } as unknown as Credential)).toBe("a.example/scim");
    expect(accountOf({ public: {} } as Credential)).toBe("");
  });
});
