import { describe, expect, it } from "vitest";

import type { Connector, ConnectorMethod, Credential } from "../../api/types";
import { accountOf } from "./account";
import { freeName, methodsOf, sent } from "./actions";

const field = (name: string, secret: boolean) => ({ name, title: {}, help: {}, secret, required: true });
const method: ConnectorMethod = { id: "api", title: {}, help: {}, sign_in: false, renews: false, fields: [field("client_id", false), field("client_secret", true), field("code", true)] };

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

  it("are told apart by an address, or by the first thing that is not secret", () => {
    expect(accountOf({ public: { client_id: "id", url: "https://b.example/scim" } } as unknown as Credential)).toBe("b.example/scim");
    expect(accountOf({ public: { client_id: "id", other: "x" } } as unknown as Credential)).toBe("id");
    expect(accountOf({ public: { port: 3, url: "https://a.example/scim" } } as unknown as Credential)).toBe("a.example/scim");
    expect(accountOf({ public: {} } as Credential)).toBe("");
  });
});
