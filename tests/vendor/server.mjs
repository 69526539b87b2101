// A vendor's backend, as small as one can be: it serves its page and signs who is signed in. A real one takes tenant,
// person and role from its own session; here they are arguments. Try `node server.mjs --key DIR/private.pem`; the key
// pair is made by `make-key.mjs`. Prints its address when it listens.

import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const text = (value) => ({ type: "string", default: value });
const { values: given } = parseArgs({
  options: {
    port: text("8090"), matricula: text("http://127.0.0.1:8080"), key: text("private.pem"), kid: text("example"),
    vendor: text("northwind"), tenant: text("acme"), role: text("owner"), locale: text("en"), theme: text("auto"), flows: { type: "string" },
  },
});
const privateKey = createPrivateKey(readFileSync(given.key));
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function token() {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: given.vendor, aud: "matricula", iat, exp: iat + 600, sub: `${given.role}-1`, tenant: given.tenant, role: given.role, locale: given.locale,
    name: "Robin Sommer", email: "robin.sommer@example.com", ...(given.flows !== undefined && { flows: given.flows.split(",").filter(Boolean) }),
  };
  const signed = `${part({ alg: "EdDSA", typ: "JWT", kid: given.kid })}.${part(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString("base64url")}`;
}

const matricula = new URL(given.matricula).origin;
const policy = `default-src 'none'; script-src 'self' ${matricula}; frame-src ${matricula}; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'`;
const file = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const page = file("index.html").replaceAll("{matricula}", matricula).replaceAll("{locale}", given.locale).replaceAll("{theme}", given.theme);
const answers = {
  "GET /": ["text/html; charset=utf-8", () => page],
  "GET /style.css": ["text/css; charset=utf-8", () => file("style.css")],
  "GET /page.js": ["text/javascript; charset=utf-8", () => file("page.js")],
  "POST /matricula-token": ["application/json", () => JSON.stringify({ token: token() })],
};

const server = createServer((request, response) => {
  const [type, body] = answers[`${request.method} ${request.url.split("?")[0]}`] ?? [];
  const foreign = request.method === "POST" && !["same-origin", undefined].includes(request.headers["sec-fetch-site"]);
  if (!body || foreign) return void response.writeHead(foreign ? 403 : 404).end();
  response.writeHead(200, { "content-type": type, "content-security-policy": policy, "cache-control": "no-store" }).end(body());
});
server.listen(Number(given.port), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
