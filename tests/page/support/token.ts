/** Tokens as the vendor's backend signs them, of any age. */

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A token of the example vendor's, signed so many seconds ago, good for ten minutes. */
export function token(key: string, age: number, claims: Readonly<Record<string, unknown>> = {}): string {
  const iat = Math.floor(Date.now() / 1000) - age;
  const all = { iss: "northwind", aud: "matricula", iat, exp: iat + 600, sub: "owner-1", tenant: "acme", role: "owner", locale: "en", name: "Robin Sommer", ...claims };
  const signed = `${part({ alg: "EdDSA", typ: "JWT", kid: "example" })}.${part(all)}`;
  return `${signed}.${sign(null, Buffer.from(signed), createPrivateKey(readFileSync(key))).toString("base64url")}`;
}
