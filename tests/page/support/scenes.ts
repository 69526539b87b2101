/** Every screen and every dialog, in the states that they can be in: to be checked, and to be looked at. */

import { expect } from "@playwright/test";

import { CERTIFICATES, type Customer, EMPLOYEES, SURVEYS, TEAMS } from "./customer";
import type { Shown } from "./shown";
import { type Key, type Locale, TEXTS } from "./words";
import type { VendorOptions, World } from "./world";

/** Whose page it is. Each is a tenant, or a person, of their own. */
const PEOPLE = {
  /** Has nothing yet. */
  newcomer: { tenant: "newcomer" },
  /** Has credentials, and starts a flow. */
  beginner: { tenant: "beginner" },
  /** Has credentials for edyoucated, which is tested before it is activated. */
  tester: { tenant: "tester" },
  /** Has credentials for Winningtemp, which does not take all that is written. */
  surveyor: { tenant: "surveyor" },
  /** Enters what is wrong. */
  mistaken: { tenant: "mistaken" },
  /** Has both flows, running well. */
  owner: { tenant: "acme" },
  /** May only look at the same. */
  viewer: { tenant: "acme", role: "viewer" },
  /** Has bought one flow of the two. */
  limited: { tenant: "limited", flows: [EMPLOYEES] },
  /** Has lock-outs to decide about, and credentials that are no longer right. */
  troubled: { tenant: "troubled" },
  /** Has deactivated an automation. */
  resting: { tenant: "resting" },
} as const satisfies Record<string, VendorOptions>;

type Who = keyof typeof PEOPLE;

/** The automations of somebody. */
interface Ids {
  employees: string;
  certificates: string;
  run: number;
}

export interface Scene {
  name: string;
  who: Who;
  path: (ids: Ids) => string;
  /** What has to be so in this tenant. */
  before?: (customer: Customer) => Promise<void>;
  /** What is done on the screen until it shows what is meant. */
  act?: (shown: Shown) => Promise<void>;
}

/** A server with all tenants as the scenes want them. */
export class Stage {
  readonly world: World;
  readonly #vendors = new Map<string, string>();
  readonly #ids = new Map<string, Ids>();

  private constructor(world: World) {
    this.world = world;
  }

  static async set(world: World): Promise<Stage> {
    const stage = new Stage(world);
    const customer = async (who: Who) => world.customer(await stage.vendor(who, "en"));
    const owner = await (await customer("owner")).startBoth();
    await stage.#know("owner", owner, await customer("owner"));
    await stage.#know("viewer", owner, await customer("owner"));
    await (await customer("beginner")).addCredentials();
    await (await customer("tester")).addForTeams();
    await (await customer("surveyor")).addForSurveys();

    const resting = await customer("resting");
    const { personio, academy } = await resting.addCredentials();
    const employees = await resting.start(EMPLOYEES, personio, academy);
    await stage.#know("resting", { employees, certificates: employees }, resting);
    await resting.ask("POST", `/automations/${employees}/deactivate`, {});

    const troubled = await customer("troubled");
    const both = await troubled.startBoth();
    await world.dismiss(12);
    await troubled.run(both.employees);
    await troubled.settled(both.employees, (automation) => automation.staged > 0);
    await troubled.spoil(both.academy);
    await troubled.run(both.certificates);
    await troubled.settled(both.certificates, (automation) => automation.state === "paused");
    await stage.#know("troubled", both, troubled);
    return stage;
  }

  async #know(who: Who, { employees, certificates }: Omit<Ids, "run">, customer: Customer): Promise<void> {
    const { last_run } = await customer.automation(employees);
    this.#ids.set(who, { employees, certificates, run: last_run?.id ?? 0 });
  }

  /** The address of somebody's page; it goes by the browser's choice between light and dark. */
  async vendor(who: Who, locale: Locale): Promise<string> {
    const name = `${who} ${locale}`;
    const known = this.#vendors.get(name);
    if (known !== undefined) return known;
    const address = await this.world.vendor({ ...PEOPLE[who], locale, theme: "auto" });
    this.#vendors.set(name, address);
    return address;
  }

  /** Brings a scene about in a page that shows this person's. */
  async show(scene: Scene, shown: Shown): Promise<void> {
    const ids = this.#ids.get(scene.who) ?? { employees: "", certificates: "", run: 0 };
    await scene.before?.(this.world.customer(await this.vendor(scene.who, "en")));
    await shown.open(scene.path(ids));
    await scene.act?.(shown);
    const open = await shown.dialog().count();
    await shown.calm();
    // What has been opened stays open.
    await expect(shown.dialog()).toHaveCount(open);
  }
}

const at = (path: string) => () => path;
const details = (shown: Shown) => shown.button("catalogue.details.of", { flow: TEXTS[shown.locale].employees }).click();

/** Through the wizard with what is there, up to a step. */
async function wizard(shown: Shown, to: "target" | "settings" | "preview", systems = ["Personio", "reteach"], next: Key = "start.preview.show"): Promise<void> {
  for (const system of to === "target" ? systems.slice(0, 1) : systems) {
    await expect(shown.frame.getByText(shown.t("credentials.result.ok", { system }))).toBeVisible();
    await shown.button("start.continue").click();
  }
  if (to === "target") return expect(shown.frame.getByText(shown.t("credentials.result.ok", { system: "reteach" }))).toBeVisible();
  await expect(shown.button(next)).toBeVisible();
  await shown.calm();
  if (to === "settings") return;
  await shown.button("start.preview.show").click();
  await expect(shown.frame.getByRole("table", { name: shown.t("start.preview.people") })).toBeVisible();
}

async function open(shown: Shown, press: () => Promise<void>): Promise<void> {
  await press();
  await expect(shown.dialog()).toBeVisible();
}

const credentialDeed = (verb: "test" | "replace" | "remove") => (shown: Shown) =>
  open(shown, () => shown.button(`credentials.${verb}.of`, { name: "Personio" }).click());

async function withoutAutomations(customer: Customer): Promise<void> {
  const { items } = await customer.ask<{ items: { id: string }[] }>("GET", "/automations");
  for (const { id } of items) {
    await customer.settled(id, () => true);
    await customer.ask("POST", `/automations/${id}/deactivate`, {});
    await customer.ask("DELETE", `/automations/${id}`);
  }
}

const START = `/start/${EMPLOYEES}`;
const CONNECT = "/start/sync-employees-from-kombo";
const TEST = `/start/${TEAMS}`;

const connect = (shown: Shown) => open(shown, () => shown.button("connect.do", { system: "Kombo" }).click());

/** To the test of a flow that has to be tested. */
async function tested(shown: Shown): Promise<void> {
  await wizard(shown, "settings", ["Personio", "edyoucated"], "start.test.show");
  await shown.button("start.test.show").click();
  await expect(shown.frame.getByRole("table", { name: shown.t("start.preview.people") })).toBeVisible();
}

/** To what Winningtemp does not offer. */
async function surveyed(shown: Shown): Promise<void> {
  await expect(shown.frame.getByText(shown.t("credentials.result.ok", { system: "Personio" }))).toBeVisible();
  await shown.button("start.continue").click();
  await expect(shown.frame.getByRole("checkbox", { name: shown.t("start.accept") })).toBeVisible();
}

export const SCENES: readonly Scene[] = [
  { name: "flows-empty", who: "newcomer", path: at("/automations") },
  { name: "flows", who: "owner", path: at("/automations") },
  { name: "flows-attention", who: "troubled", path: at("/automations") },
  { name: "flows-viewer", who: "viewer", path: at("/automations") },
  { name: "flows-resting", who: "resting", path: at("/automations") },
  {
    name: "flows-deactivate",
    who: "owner",
    path: at("/automations"),
    act: (shown) => open(shown, () => shown.row("employees").getByRole("button", { name: shown.t("do.deactivate") }).click()),
  },
  {
    name: "flows-reactivate",
    who: "resting",
    path: at("/automations"),
    act: (shown) => open(shown, () => shown.row("employees").getByRole("button", { name: shown.t("do.reactivate") }).click()),
  },
  { name: "catalogue", who: "newcomer", path: at("/catalogue") },
  { name: "catalogue-started", who: "owner", path: at("/catalogue") },
  { name: "catalogue-not-bought", who: "limited", path: at("/catalogue") },
  { name: "catalogue-details", who: "newcomer", path: at("/catalogue"), act: (shown) => open(shown, () => details(shown)) },
  { name: "start-not-bought", who: "limited", path: at(`/start/${CERTIFICATES}`) },
  { name: "start-viewer", who: "viewer", path: at(START) },
  { name: "start-first", who: "newcomer", path: at(START), act: (shown) => expect(shown.button("credentials.save")).toBeVisible() },
  {
    name: "start-missing",
    who: "newcomer",
    path: at(START),
    act: async (shown) => {
      await shown.button("credentials.save").click();
      await expect(shown.frame.getByText(shown.t("form.missing")).first()).toBeVisible();
    },
  },
  {
    name: "start-rejected",
    who: "mistaken",
    path: at(START),
    before: async (customer) => {
      const { items } = await customer.ask<{ items: { id: string }[] }>("GET", "/credentials");
      for (const { id } of items) await customer.ask("DELETE", `/credentials/${id}`);
    },
    act: async (shown) => {
      await shown.fillPersonio("not-the-secret");
      await shown.button("credentials.save").click();
      await expect(shown.button("credentials.save.again")).toBeVisible();
    },
  },
  {
    name: "start-source",
    who: "beginner",
    path: at(START),
    act: (shown) => expect(shown.frame.getByText(shown.t("credentials.result.ok", { system: "Personio" }))).toBeVisible(),
  },
  { name: "start-target", who: "beginner", path: at(START), act: (shown) => wizard(shown, "target") },
  { name: "start-settings", who: "beginner", path: at(START), act: (shown) => wizard(shown, "settings") },
  {
    name: "start-settings-certificates",
    who: "owner",
    path: at(`/start/${CERTIFICATES}`),
    act: async (shown) => {
      for (const system of ["reteach", "Personio"]) {
        await expect(shown.frame.getByText(shown.t("credentials.result.ok", { system }))).toBeVisible();
        await shown.button("start.continue").click();
      }
      await expect(shown.button("start.preview.show")).toBeVisible();
    },
  },
  {
    name: "start-mapping",
    who: "beginner",
    path: at(START),
    act: async (shown) => {
      await wizard(shown, "settings");
      await shown.frame.getByText(shown.t("start.mapping"), { exact: true }).click();
      await shown.calm();
    },
  },
  {
    name: "start-expression",
    who: "beginner",
    path: at(START),
    act: async (shown) => {
      await wizard(shown, "settings");
      await shown.frame.getByText(shown.t("start.mapping"), { exact: true }).click();
      const edit = new RegExp(`^${shown.t("mapping.edit", { field: ".+" })}$`);
      await open(shown, () => shown.frame.getByRole("button", { name: edit }).first().click());
      await shown.dialog().getByLabel(shown.t("mapping.expressed")).click();
      await expect(shown.dialog().getByLabel(shown.t("mapping.cel"))).toBeVisible();
    },
  },
  { name: "start-preview", who: "beginner", path: at(START), act: (shown) => wizard(shown, "preview") },
  { name: "start-connect", who: "newcomer", path: at(CONNECT), act: (shown) => expect(shown.button("connect.do", { system: "Kombo" })).toBeVisible() },
  {
    name: "start-connect-window",
    who: "newcomer",
    path: at(CONNECT),
    act: async (shown) => {
      await connect(shown);
      await expect(shown.frame.frameLocator("iframe").getByRole("button", { name: "Connect" })).toBeVisible();
    },
  },
  {
    name: "start-connect-closed",
    who: "newcomer",
    path: at(CONNECT),
    act: async (shown) => {
      await connect(shown);
      await shown.dialog().getByRole("button", { name: shown.t("action.cancel"), exact: true }).click();
      await expect(shown.frame.getByText(shown.t("connect.closed"))).toBeVisible();
    },
  },
  { name: "start-findings", who: "surveyor", path: at(`/start/${SURVEYS}`), act: surveyed },
  {
    name: "start-notes",
    who: "surveyor",
    path: at(`/start/${SURVEYS}`),
    act: async (shown) => {
      await surveyed(shown);
      await shown.frame.getByRole("checkbox", { name: shown.t("start.accept") }).check();
      await shown.button("start.continue").click();
      await shown.button("start.preview.show").click();
      await expect(shown.frame.getByText(shown.t("start.notes"))).toBeVisible();
    },
  },
  { name: "start-test-settings", who: "tester", path: at(TEST), act: (shown) => wizard(shown, "settings", ["Personio", "edyoucated"], "start.test.show") },
  { name: "start-test", who: "tester", path: at(TEST), act: tested },
  {
    name: "start-activate",
    who: "tester",
    path: at(TEST),
    act: async (shown) => {
      await tested(shown);
      await open(shown, () => shown.button("start.activate").click());
    },
  },
  {
    name: "start-leave",
    who: "beginner",
    path: at(START),
    act: async (shown) => {
      await wizard(shown, "settings");
      await open(shown, () => shown.link("nav.credentials").click());
    },
  },
  {
    name: "start-done",
    who: "beginner",
    path: at(START),
    before: withoutAutomations,
    act: async (shown) => {
      await wizard(shown, "preview");
      await shown.button("start.save").click();
      await expect(shown.heading(shown.t("start.done", { flow: TEXTS[shown.locale].employees }))).toBeVisible();
    },
  },
  { name: "automation", who: "owner", path: ({ employees }) => `/automations/${employees}` },
  { name: "automation-viewer", who: "viewer", path: ({ employees }) => `/automations/${employees}` },
  { name: "automation-staged", who: "troubled", path: ({ employees }) => `/automations/${employees}` },
  {
    name: "automation-approve",
    who: "troubled",
    path: ({ employees }) => `/automations/${employees}`,
    act: (shown) => open(shown, () => shown.button("staged.approve").click()),
  },
  { name: "automation-paused", who: "troubled", path: ({ certificates }) => `/automations/${certificates}` },
  { name: "automation-paused-credentials", who: "troubled", path: ({ certificates }) => `/automations/${certificates}/credentials` },
  { name: "runs", who: "troubled", path: ({ certificates }) => `/automations/${certificates}/runs` },
  { name: "run", who: "owner", path: ({ employees, run }) => `/automations/${employees}/runs/${run}`, act: (shown) => expect(shown.dialog()).toBeVisible() },
  { name: "settings", who: "owner", path: ({ employees }) => `/automations/${employees}/settings` },
  { name: "settings-certificates", who: "owner", path: ({ certificates }) => `/automations/${certificates}/settings` },
  { name: "settings-viewer", who: "viewer", path: ({ employees }) => `/automations/${employees}/settings` },
  { name: "access", who: "owner", path: ({ employees }) => `/automations/${employees}/credentials` },
  { name: "history", who: "troubled", path: ({ employees }) => `/automations/${employees}/history` },
  { name: "credentials-empty", who: "newcomer", path: at("/credentials") },
  { name: "credentials", who: "owner", path: at("/credentials") },
  { name: "credentials-add", who: "owner", path: at("/credentials"), act: (shown) => open(shown, () => shown.button("credentials.add").click()) },
  {
    name: "credentials-add-form",
    who: "owner",
    path: at("/credentials"),
    act: async (shown) => {
      await open(shown, () => shown.button("credentials.add").click());
      await shown.dialog().getByRole("button", { name: "reteach" }).click();
      await expect(shown.dialog().getByRole("button", { name: shown.t("credentials.save") })).toBeVisible();
    },
  },
  {
    name: "credentials-test",
    who: "owner",
    path: at("/credentials"),
    act: async (shown) => {
      await credentialDeed("test")(shown);
      await expect(shown.frame.getByText(shown.t("credentials.result.ok", { system: "Personio" }))).toBeVisible();
    },
  },
  { name: "credentials-replace", who: "owner", path: at("/credentials"), act: credentialDeed("replace") },
  { name: "credentials-in-use", who: "owner", path: at("/credentials"), act: credentialDeed("remove") },
  { name: "credentials-remove", who: "beginner", path: at("/credentials"), before: withoutAutomations, act: credentialDeed("remove") },
  { name: "unknown", who: "owner", path: at("/nothing/here"), act: (shown) => expect(shown.heading(shown.t("unknown.screen"))).toBeVisible() },
];
