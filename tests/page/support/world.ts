/**
 * Everything that the page needs, as processes of a test: a sandbox of the systems, `matricula serve`, and the
 * backend of the example vendor. Ports are free ones; folders are temporary.
 */

import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { Customer } from "./customer";
import { programs, root } from "./environment";
import { Program } from "./process";

const run = promisify(execFile);

export interface VendorOptions {
  tenant?: string;
  role?: "owner" | "viewer";
  locale?: "en" | "de";
  theme?: "light" | "dark" | "auto";
  /** What the tenant has bought; all if it is left out. */
  flows?: readonly string[];
}

/** So many of the vendor's backends can be started in one world: the server has to know their origins beforehand. */
const BACKENDS = 24;

/** Where connectors expect the real systems, by the sandbox's names. */
const ORIGINS = {
  personio: "https://api.personio.de",
  reteach: "https://api.reteach.io",
  scim: "https://academy.example.com",
  edyoucated: "https://edyoucated.example.com",
  winningtemp: "https://api.winningtemp.com",
  "winningtemp-scim": "https://scim.prod.winningtemp.com",
  engagedly: "https://api.engagedly.com",
  kombo: "https://api.kombo.dev",
} as const;

/** Where Kombo's window is; in the sandbox it is where Kombo is. */
const WINDOW = "https://connect.kombo.dev";

const NOT_BOUGHT = { en: "Ask sales@example.com for this one.", de: "Fragen Sie sales@example.com danach." };

export class World {
  /** Of the server. */
  readonly origin: string;
  /** How the local sign-in begins, where it was asked for. */
  readonly signIn: string | null;
  /** What the operator has the vendor say about flows that were not bought. */
  readonly notBought = NOT_BOUGHT;
  readonly key: string;
  readonly #folder: string;
  readonly #admin: string;
  readonly #running: Program[];
  readonly #ports: Server[];

  private constructor(folder: string, running: Program[], ports: Server[], admin: string, server: { listening: string; sign_in: string | null }) {
    this.#folder = folder;
    this.#running = running;
    this.#ports = ports;
    this.#admin = admin;
    this.origin = `http://${server.listening}`;
    this.signIn = server.sign_in;
    this.key = join(folder, "private.pem");
  }

  static async start({ sandbox = [], signIn = false }: { sandbox?: readonly string[]; signIn?: boolean } = {}): Promise<World> {
    const folder = mkdtempSync(join(tmpdir(), "matricula-page-"));
    const running: Program[] = [];
    const ports: Server[] = [];
    try {
      execFileSync(process.execPath, [join(root, "tests/vendor/make-key.mjs"), folder]);
      for (let index = 0; index < BACKENDS; index += 1) ports.push(await keepPort());
      writeFileSync(join(folder, "vendors.toml"), vendors(ports.map(portOf)));
      writeFileSync(join(folder, "kombo-key.txt"), "sandbox-kombo-key\n");
      writeFileSync(join(folder, "kombo-webhooks.txt"), "sandbox-kombo-webhook-secret\n");
      const fakes = await Program.start(programs.sandbox, ["--public-scim-url", `${ORIGINS.scim}/scim/v2`, "--exit-with-stdin", "--no-limits", ...sandbox]);
      running.push(fakes);
      const address = JSON.parse(fakes.said) as Record<keyof typeof ORIGINS | "admin", string>;
      const sandboxed = Object.entries(ORIGINS).map(([name, real]) => [real, new URL(address[name as keyof typeof ORIGINS]).origin]);
      const maps = [...sandboxed, [WINDOW, new URL(address.kombo).origin]].flatMap(([real, local]) => ["--map-origin", `${real}=${local}`]);
      // Compiled before anybody waits for a screen: the server does it while it serves, on a machine that tests share.
      mkdirSync(join(folder, "data"), { mode: 0o700 });
      await run(programs.matricula, ["connector", "list", "--data", join(folder, "data"), "--connectors", programs.connectors]);
      const server = await Program.start(programs.matricula, [
        ...["serve", "--json", "--listen", "127.0.0.1:0", "--vendors", join(folder, "vendors.toml"), "--data", join(folder, "data")],
        ...["--connectors", programs.connectors, "--flows", join(root, "flows"), "--log", "warn", "--sign-in-link", signIn ? "always" : "never"],
        ...maps,
      ]);
      running.push(server);
      return new World(folder, running, ports, new URL(address.admin).origin, JSON.parse(server.said));
    } catch (error) {
      await endAll(folder, running, ports);
      throw error;
    }
  }

  /** Starts a backend of the vendor's; the address of its page. */
  async vendor({ tenant = "acme", role = "owner", locale = "en", theme = "light", flows }: VendorOptions = {}): Promise<string> {
    const kept = this.#ports.pop();
    if (kept === undefined) throw new Error(`more than ${BACKENDS} backends`);
    const port = portOf(kept);
    await new Promise((resolve) => kept.close(resolve));
    const backend = await Program.start(process.execPath, [
      ...[join(root, "tests/vendor/server.mjs"), "--key", this.key, "--matricula", this.origin, "--port", `${port}`],
      ...["--tenant", tenant, "--role", role, "--locale", locale, "--theme", theme],
      ...(flows === undefined ? [] : ["--flows", flows.join(",")]),
    ]);
    this.#running.push(backend);
    return backend.said;
  }

  /** The customer behind a backend, who asks the API without the page. */
  customer(vendor: string): Customer {
    return new Customer(this.origin, vendor);
  }

  /** Looks into the sandbox, or changes what is in it. */
  async admin<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#admin}${path}`, { method, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`the sandbox: ${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? null : JSON.parse(text)) as Answer;
  }

  /** Whoever is employed now and leaves today; their ids. */
  async dismiss(count: number): Promise<number[]> {
    const ids = await this.admin<number[]>("GET", "/people");
    const dismissed: number[] = [];
    const accounts = await this.accounts();
    const open = new Set(accounts.filter((account) => account.active).map((account) => account.externalId));
    for (const id of ids.filter((one) => open.has(String(one))).slice(0, count)) {
      await this.admin("PATCH", `/people/${id}`, { status: "inactive", termination_date: "2026-01-31T00:00:00+01:00" });
      dismissed.push(id);
    }
    return dismissed;
  }

  /** Of the academy, or of another SCIM service. */
  accounts(system = "scim"): Promise<Account[]> {
    return this.admin<Account[]>("GET", `/accounts?system=${system}`);
  }

  async end(): Promise<void> {
    await endAll(this.#folder, this.#running, this.#ports);
  }
}

/** An account of a SCIM service. */
export interface Account {
  id: string;
  externalId?: string;
  active: boolean;
  userName: string;
}

async function endAll(folder: string, running: Program[], ports: Server[]): Promise<void> {
  await Promise.all(running.map((program) => program.end()));
  for (const port of ports) port.close();
  rmSync(folder, { recursive: true, force: true });
}

/** A port that nobody else gets until it is needed. */
function keepPort(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject);
    server.unref();
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the port is closed");
  return address.port;
}

function vendors(ports: readonly number[]): string {
  const origins = ports.map((port) => `"http://127.0.0.1:${port}"`).join(", ");
  return `[[vendor]]
id = "northwind"
title = { en = "Northwind Academy", de = "Northwind Akademie" }
origins = [${origins}]
not_bought = { en = "${NOT_BOUGHT.en}", de = "${NOT_BOUGHT.de}" }

[[vendor.key]]
kid = "example"
alg = "EdDSA"
public_file = "public.pem"

[vendor.connectors.kombo]
api_url = "${ORIGINS.kombo}"
api_key_file = "kombo-key.txt"
webhook_secret_file = "kombo-webhooks.txt"
`;
}
