/** A customer of the vendor's who asks the API without the page: to set up what a test is not about. */

import { expect } from "@playwright/test";

import type { Automation, Cadence, Credential, Settings } from "../../../host/page/web/src/api/types";

export const EMPLOYEES = "sync-employees";
export const CERTIFICATES = "sync-certificates";
export const TEAMS = "sync-employees-to-edyoucated";
export const SURVEYS = "sync-employees-to-winningtemp";

/** What the sandbox takes. */
export const PERSONIO = { client_id: "sandbox-personio-id", client_secret: "sandbox-personio-secret" } as const;
export const ACADEMY = {
  scim_url: "https://academy.example.com/scim/v2",
  scim_token: "sandbox-scim-token",
  client_id: "sandbox-reteach-id",
  client_secret: "sandbox-reteach-secret",
  client_code: "sandbox-reteach-code",
} as const;
export const EDYOUCATED = { scim_url: "https://edyoucated.example.com/scim/v2", scim_token: "sandbox-edyoucated-token" } as const;
export const WINNINGTEMP = { scim_url: "https://scim.prod.winningtemp.com/api/scim", scim_token: "sandbox-winningtemp-token" } as const;
export const ENGAGEDLY = { client_key: "sandbox-engagedly-client", secret_key: "sandbox-engagedly-secret" } as const;

/** How long a run may take. */
const RUN = { timeout: 60_000, intervals: [100, 200, 400] };

export class Customer {
  readonly #api: string;
  readonly #vendor: string;

  constructor(origin: string, vendor: string) {
    this.#api = `${origin}/api/v1`;
    this.#vendor = vendor;
  }

  async ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const signed = await fetch(new URL("/matricula-token", this.#vendor), { method: "POST" });
    const { token } = (await signed.json()) as { token: string };
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (method !== "GET" && method !== "POST") headers["if-match"] = "*";
    const response = await fetch(`${this.#api}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? null : JSON.parse(text)) as Answer;
  }

  async addCredentials(): Promise<{ personio: string; academy: string }> {
    const { client_id, client_secret } = PERSONIO;
    const personio = await this.#add({ name: "Personio", connector: "personio", public: { client_id }, secrets: { client_secret } });
    const academy = await this.#add({ name: "Academy", connector: "reteach", ...academyFields() });
    return { personio, academy };
  }

  /** For the flow that keeps teams in edyoucated. */
  async addForTeams(): Promise<void> {
    const { client_id, client_secret } = PERSONIO;
    const { scim_url, scim_token } = EDYOUCATED;
    await this.#add({ name: "Personio", connector: "personio", public: { client_id }, secrets: { client_secret } });
    await this.#add({ name: "edyoucated", connector: "edyoucated", public: { scim_url }, secrets: { scim_token } });
  }

  /** For the flow to Winningtemp, which does not take all that is written. */
  async addForSurveys(): Promise<void> {
    const { client_id, client_secret } = PERSONIO;
    const { scim_url, scim_token } = WINNINGTEMP;
    await this.#add({ name: "Personio", connector: "personio", public: { client_id }, secrets: { client_secret } });
    await this.ask("POST", "/credentials", { name: "Winningtemp", connector: "winningtemp", public: { scim_url }, secrets: { scim_token } });
  }

  async #add(credential: object): Promise<string> {
    const { id } = await this.ask<Credential>("POST", "/credentials", credential);
    const { ok } = await this.ask<{ ok: boolean }>("POST", `/credentials/${id}/test`, {});
    expect(ok).toBe(true);
    return id;
  }

  /** Starts a flow; done when its first run has ended. */
  async start(flow: string, source: string, target: string, settings: Settings = {}, schedule: Cadence = { kind: "on-demand" }): Promise<string> {
    const wish = { flow, source, target, settings, schedule, contacts: [], accept_findings: false };
    const { id } = await this.ask<Automation>("POST", "/automations", wish);
    await this.settled(id, (automation) => automation.last_run !== null);
    return id;
  }

  automation(id: string): Promise<Automation> {
    return this.ask<Automation>("GET", `/automations/${id}`);
  }

  async run(id: string): Promise<Automation> {
    const before = (await this.automation(id)).last_run?.id;
    await this.ask("POST", `/automations/${id}/run`, {});
    return this.settled(id, (automation) => automation.last_run?.id !== before);
  }

  /** Waits until it does not run and something else holds as well. */
  async settled(id: string, holds: (automation: Automation) => boolean): Promise<Automation> {
    let automation: Automation | undefined;
    const look = async () => {
      automation = await this.automation(id);
      const over = automation.last_run === null || automation.last_run.finished_at !== null;
      return !automation.running && over && holds(automation);
    };
    await expect.poll(look, RUN).toBe(true);
    if (automation === undefined) throw new Error("not looked at");
    return automation;
  }

  /** Both flows, running well. */
  async startBoth(): Promise<{ personio: string; academy: string; employees: string; certificates: string }> {
    const { personio, academy } = await this.addCredentials();
    const employees = await this.start(EMPLOYEES, personio, academy);
    const certificates = await this.start(CERTIFICATES, academy, personio);
    return { personio, academy, employees, certificates };
  }

  /** The academy's API credentials are no longer right; SCIM's still are. */
  async spoil(academy: string): Promise<void> {
    const { public: open, secrets } = academyFields();
    await this.ask("PUT", `/credentials/${academy}`, { public: open, secrets: { ...secrets, client_secret: "not-it" } });
  }
}

function academyFields() {
  const { scim_url, client_id, ...secrets } = ACADEMY;
  return { public: { scim_url, client_id }, secrets };
}
