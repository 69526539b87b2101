/**
 * Every system that ships, as a customer meets it: its card in the catalogue, its credentials by hand, what it cannot
 * carry, live lists in its settings, the preview with people, and the first run. In both languages.
 */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, type Page, test } from "@playwright/test";

import type { Automation, Credential } from "../../../host/page/web/src/api/types";
import { ACADEMY, ENGAGEDLY, SURVEYS, WINNINGTEMP } from "../support/customer";
import { root } from "../support/environment";
import { Shown } from "../support/shown";
import { LOCALES, type Locale } from "../support/words";
import { World } from "../support/world";

const PEOPLE = 6;
const CERTIFICATES = 4;

/** How long a first run may take on a machine that does other things as well. */
const RUN = { timeout: 90_000 };

interface Shipped {
  flow: string;
  title: Record<Locale, string>;
}

/** All flows that ship, by the folder that they are in. */
const SHIPPED: readonly Shipped[] = readdirSync(join(root, "flows"))
  .filter((file) => file.endsWith(".flow.yaml"))
  .map((file) => {
    const titles = /^title:\n {2}en: (.+)\n {2}de: (.+)$/m.exec(readFileSync(join(root, "flows", file), "utf8"));
    if (titles === null) throw new Error(`${file} has no title`);
    return { flow: file.replace(".flow.yaml", ""), title: { en: titles[1] ?? "", de: titles[2] ?? "" } };
  });

const titleOf = (flow: string, locale: Locale) => SHIPPED.find((one) => one.flow === flow)?.title[locale] ?? "";

/** What Winningtemp's SCIM does not offer of what the flow writes. */
const NOT_CARRIED = {
  en: ["Automatic invitation", "Birthday", "Gender", "Hire date", "Termination date"],
  de: ["Automatische Einladung", "Geburtstag", "Geschlecht", "Eintrittsdatum", "Austrittsdatum"],
};

interface Person {
  department: { attributes: { name: string } };
}

for (const locale of LOCALES) {
  test.describe(`in ${locale}`, () => {
    test.describe.configure({ mode: "default" });
    const said = <Text>(texts: Record<Locale, Text>): Text => texts[locale];

    let world: World;
    test.beforeAll(async () => {
      world = await World.start({ sandbox: ["--people", `${PEOPLE}`, "--certificates", `${CERTIFICATES}`, ...(locale === "de" ? ["--german"] : [])] });
    });
    test.afterAll(() => world?.end());

    /** A tenant that has nothing yet. */
    const newcomer = async (page: Page, tenant: string) => {
      const vendor = await world.vendor({ locale, tenant });
      return { shown: new Shown(page, vendor, locale), customer: world.customer(vendor) };
    };

    /** Enters what a system asks for; the test of it follows by itself. */
    async function enter(shown: Shown, system: string, fields: () => Promise<void>): Promise<void> {
      await expect(shown.heading(shown.t("start.connect", { system }))).toBeVisible();
      await fields();
      await shown.button("credentials.save").click();
    }

    /** Goes on, now that the test found nothing missing. */
    async function goOn(shown: Shown, system: string): Promise<void> {
      await expect(shown.frame.getByText(shown.t("credentials.result.ok", { system }), { exact: true })).toBeVisible();
      await shown.button("start.continue").click();
    }

    /** What a SCIM service does not offer is told, and holds the wizard back. */
    async function expectMissing(shown: Shown, system: string, names: readonly string[]): Promise<void> {
      const { frame, t } = shown;
      await expect(frame.getByText(t("credentials.result.findings", { system, n: names.length }), { exact: true })).toBeVisible();
      const all = frame.getByRole("list", { name: t("credentials.result.label") }).getByRole("listitem");
      const missing = all.filter({ hasText: t("credentials.result.missing") });
      await expect(missing).toHaveCount(names.length);
      for (const name of names) {
        await expect(missing.filter({ hasText: name })).toContainText(said({ en: "Not offered over SCIM there", de: "Wird dort über SCIM nicht angeboten" }));
      }
      await expect(shown.button("start.continue")).toBeDisabled();
    }

    async function connectPersonio(shown: Shown, flow: string): Promise<void> {
      await shown.open(`/start/${flow}`);
      await enter(shown, "Personio", () => shown.fillPersonio());
      await goOn(shown, "Personio");
      await expect(shown.heading(shown.t("start.connect", { system: "Personio" }))).toHaveCount(0);
    }

    /** From the settings to the preview; how many would be created. */
    async function preview(shown: Shown, records: "people" | "documents" = "people"): Promise<number> {
      const { frame, t } = shown;
      await shown.button("start.preview.show").click();
      await expect(shown.heading(t("start.preview"))).toBeVisible();
      const table = frame.getByRole("table", { name: t("start.preview.people") });
      const made = table.getByRole("row").filter({ hasText: t(`kind.${records}.created`) });
      await expect(made.first()).toBeVisible();
      await shown.calm();
      return made.count();
    }

    /** Saves; done when the first run has succeeded. */
    async function save(shown: Shown, flow: string): Promise<void> {
      const { frame, t } = shown;
      await shown.button("start.save").click();
      await expect(shown.heading(t("start.done", { flow: titleOf(flow, locale) }))).toBeVisible();
      await shown.link("start.done.show").click();
      await expect(frame.getByRole("row").filter({ hasText: t("run.status.succeeded") })).toBeVisible(RUN);
    }

    /** Chooses from a list that the system itself gives. */
    async function choose(shown: Shown, label: string, option: string): Promise<void> {
      const choice = shown.frame.getByRole("combobox", { name: label });
      await choice.click();
      await shown.frame.getByRole("option", { name: option }).click();
    }

    test("the catalogue has a card of every flow that ships, and says all about each", async ({ page }) => {
      const { shown } = await newcomer(page, "looker");
      const { frame, t } = shown;
      await shown.open("/catalogue");
      await expect(frame.getByRole("heading", { level: 2 })).toHaveCount(SHIPPED.length);
      for (const { title } of SHIPPED) {
        const card = frame.getByRole("listitem").filter({ has: frame.getByRole("heading", { name: said(title), exact: true }) });
        await expect(card.getByRole("link", { name: t("catalogue.start") })).toBeVisible();
        await shown.button("catalogue.details.of", { flow: said(title) }).click();
        const sheet = shown.dialog();
        await expect(sheet.getByRole("heading", { name: said(title) })).toBeVisible();
        // Everything in it has a name that somebody reads; only expressions are written as code.
        await expect(sheet.locator(".flow-rights li").first()).toBeVisible();
        await expect(sheet.locator(".flow-rights code")).toHaveCount(0);
        expect(await sheet.locator(".flow-reads li").count()).toBeGreaterThan(0);
        expect(await sheet.locator(".flow-writes dt").count()).toBeGreaterThan(0);
        await page.keyboard.press("Escape");
        await expect(sheet).toHaveCount(0);
      }
      // By system: what is chosen leaves its flows alone.
      for (const [system, count] of [["SCIM", 1], ["Winningtemp", 1], ["Engagedly", 1], ["Kombo", 2]] as const) {
        await frame.getByRole("group", { name: t("catalogue.system") }).getByRole("button", { name: system, exact: true }).click();
        await expect(frame.getByRole("heading", { level: 2 })).toHaveCount(count);
      }
      await shown.expectNoTrouble();
    });

    test("a right that is missing holds the wizard back until it is granted", async ({ page }) => {
      const { shown } = await newcomer(page, "restricted");
      const { frame, t } = shown;
      await world.admin("POST", "/attributes/position/hide", {});
      try {
        await shown.open("/start/sync-employees-to-scim");
        await enter(shown, "Personio", () => shown.fillPersonio());
        await expect(frame.getByText(t("credentials.result.findings", { system: "Personio", n: 1 }))).toBeVisible();
        const right = frame.getByRole("list", { name: t("credentials.result.label") }).getByRole("listitem").filter({ hasText: t("credentials.result.missing") });
        await expect(right).toHaveCount(1);
        await expect(right).toContainText("Position");
        await expect(shown.button("start.continue")).toBeDisabled();
        await expect(frame.getByRole("checkbox", { name: t("start.accept") })).not.toBeChecked();
      } finally {
        await world.admin("POST", "/attributes/position/show", {});
      }
      await shown.button("credentials.test.again").click();
      await expect(frame.getByText(t("credentials.result.ok", { system: "Personio" }), { exact: true })).toBeVisible();
      await expect(frame.getByRole("checkbox", { name: t("start.accept") })).toHaveCount(0);
      await shown.button("start.continue").click();
      await expect(shown.heading(t("start.connect", { system: "SCIM" }))).toBeVisible();
      await shown.expectNoTrouble();
    });

    test("any SCIM service: one of three ways to sign in, and one department", async ({ page }) => {
      const flow = "sync-employees-to-scim";
      const { shown, customer } = await newcomer(page, "scim");
      const { frame, t } = shown;
      await connectPersonio(shown, flow);

      await expect(shown.heading(t("start.connect", { system: "SCIM" }))).toBeVisible();
      const ways = frame.getByRole("group", { name: t("credentials.method") }).or(frame.getByRole("radiogroup", { name: t("credentials.method") }));
      await expect(ways.getByRole("radio")).toHaveCount(3);
      const way = (name: string) => ways.getByRole("radio", { name, exact: true });
      const field = (name: string) => frame.getByRole("textbox", { name: new RegExp(`^${name}( |$)`) });
      const [address, user, password] = said({ en: ["SCIM address", "User name", "Password"], de: ["SCIM-Adresse", "Benutzername", "Passwort"] });
      await way(said({ en: "OAuth 2 client", de: "OAuth-2-Client" })).check();
      await expect(field("Scope")).toBeVisible();
      // The service takes none of this; what is entered for another way takes its place.
      await way(said({ en: "User name and password", de: "Benutzername und Passwort" })).check();
      await expect(field("Scope")).toHaveCount(0);
      await shown.fill({ [address ?? ""]: ACADEMY.scim_url, [user ?? ""]: "provisioning", [password ?? ""]: "not-it" });
      await shown.button("credentials.save").click();
      await expect(shown.button("credentials.save.again")).toBeEnabled();
      await way("Token").check();
      await expect(field(password ?? "")).toHaveCount(0);
      await expect(field(address ?? "")).toHaveValue(ACADEMY.scim_url);
      await shown.fill({ Token: ACADEMY.scim_token });
      await frame.getByRole("button", { name: new RegExp(`^(${t("credentials.save")}|${t("credentials.save.again")})$`) }).click();
      // This service has an attribute for all of it but one.
      await expectMissing(shown, "SCIM", said({ en: ["Hire date"], de: ["Eintrittsdatum"] }));
      await frame.getByRole("checkbox", { name: t("start.accept") }).check();
      await shown.button("start.continue").click();
      const { items } = await customer.ask<{ items: Credential[] }>("GET", "/credentials");
      const own = items.filter((one) => one.connector === "scim");
      expect(own.map(({ method, public: open }) => ({ method, open }))).toEqual([{ method: "bearer", open: { scim_url: ACADEMY.scim_url } }]);

      await expect(shown.heading(t("start.settings"))).toBeVisible();
      const ids = await world.admin<number[]>("GET", "/people");
      const people = await Promise.all(ids.map((id) => world.admin<Person>("GET", `/people/${id}`)));
      const departments = people.map((person) => person.department.attributes.name);
      const department = departments[0] ?? "";
      const only = said({ en: "Only these departments", de: "Nur diese Abteilungen" });
      await choose(shown, only, department);
      // Several may be chosen, so the list stays open.
      await page.keyboard.press("Escape");
      await expect(frame.getByRole("listbox")).toHaveCount(0);
      await expect(frame.getByRole("list", { name: only })).toHaveText(department);
      await frame.getByRole("group", { name: said({ en: "Groups from", de: "Gruppen aus" }) }).getByRole("checkbox", { name: said({ en: "Office", de: "Standort" }) }).check();
      const made = await preview(shown);
      expect(made).toBe(departments.filter((one) => one === department).length);
      const before = (await world.accounts()).length;
      await save(shown, flow);
      expect(await world.accounts()).toHaveLength(before + made);
      const groups = await world.admin<{ displayName: string }[]>("GET", "/groups?system=scim");
      expect(groups.map((group) => group.displayName)).toContainEqual(expect.stringMatching(/^Office /));
      await shown.expectNoTrouble();
    });

    test("Winningtemp: what it cannot carry is told, accepted and told again", async ({ page }) => {
      const { shown } = await newcomer(page, "surveyor");
      const { frame, t } = shown;
      await connectPersonio(shown, SURVEYS);
      const [address, secret] = said({ en: ["SCIM address", "SCIM token"], de: ["SCIM-Adresse", "SCIM-Token"] });
      await enter(shown, "Winningtemp", () => shown.fill({ [address ?? ""]: WINNINGTEMP.scim_url, [secret ?? ""]: WINNINGTEMP.scim_token }));

      const missing = said(NOT_CARRIED);
      await expectMissing(shown, "Winningtemp", missing);
      const accept = frame.getByRole("checkbox", { name: t("start.accept") });
      await accept.check();
      await expect(shown.button("start.continue")).toBeEnabled();
      await accept.uncheck();
      await expect(shown.button("start.continue")).toBeDisabled();
      await accept.check();
      await shown.button("start.continue").click();

      await expect(shown.heading(t("start.settings"))).toBeVisible();
      const made = await preview(shown);
      expect(made).toBe(PEOPLE);
      const note = frame.getByRole("status").filter({ hasText: t("start.notes") });
      for (const name of missing) await expect(note).toContainText(name);
      await save(shown, SURVEYS);
      await frame.getByRole("row").filter({ hasText: t("run.status.succeeded") }).getByRole("link").first().click();
      for (const name of missing) await expect(shown.dialog().getByRole("status").filter({ hasText: t("run.notes") })).toContainText(name);
      expect(await world.accounts("winningtemp-scim")).toHaveLength(made);
      await shown.expectNoTrouble();
    });

    test("Engagedly: the reason for deactivation comes from there", async ({ page }) => {
      const flow = "sync-employees-to-engagedly";
      const { shown, customer } = await newcomer(page, "engaged");
      const { frame, t } = shown;
      await connectPersonio(shown, flow);
      const [key, secret] = said({ en: ["Client key", "Secret key"], de: ["Client Key", "Secret Key"] });
      await enter(shown, "Engagedly", () => shown.fill({ [key ?? ""]: ENGAGEDLY.client_key, [secret ?? ""]: ENGAGEDLY.secret_key }));
      await goOn(shown, "Engagedly");

      await expect(shown.heading(t("start.settings"))).toBeVisible();
      const label = said({ en: "Reason for deactivation", de: "Grund der Deaktivierung" });
      const reason = frame.getByRole("combobox", { name: label });
      await expect(reason).toHaveValue("Not known");
      await choose(shown, label, "Retirement");
      await expect(reason).toHaveValue("Retirement");
      const made = await preview(shown);
      // By address, though the last rule of this flow, the employee ID, says nothing of anybody here.
      await expect(frame.getByRole("table", { name: t("start.preview.people") })).toContainText("@example");
      await save(shown, flow);
      expect(await world.admin("GET", "/engagedly/users")).toHaveLength(made);
      const { items } = await customer.ask<{ items: Automation[] }>("GET", "/automations");
      const { settings } = await customer.automation(items[0]?.id ?? "");
      expect(settings["block_reason"]).toBe("retirement");
      await shown.expectNoTrouble();
    });

    test("Kombo: people from its window, then certificates into a category of the HR system", async ({ page }) => {
      const { shown } = await newcomer(page, "unified");
      const { frame, t } = shown;
      const [people, certificates] = ["sync-employees-from-kombo", "sync-certificates-to-kombo"];
      await shown.open(`/start/${people}`);
      await shown.button("connect.do", { system: "Kombo" }).click();
      await frame.frameLocator("iframe").getByRole("button", { name: "Connect" }).click();
      await expect(frame.locator(".connect-window")).toHaveCount(0);
      await goOn(shown, "Kombo");
      await enter(shown, "reteach", () => shown.fillAcademy());
      await goOn(shown, "reteach");
      await expect(shown.heading(t("start.settings"))).toBeVisible();
      await preview(shown);
      await save(shown, people);

      await shown.open(`/start/${certificates}`);
      for (const system of ["reteach", "Kombo"]) {
        await expect(shown.heading(t("start.connect", { system }))).toBeVisible();
        await goOn(shown, system);
      }
      await expect(frame.getByText(t("start.requirement.met", { flow: titleOf(people, locale) }))).toBeVisible();
      const categories = await world.admin<{ id: number; name: string }[]>("GET", "/categories");
      const category = categories.at(-2);
      await choose(shown, said({ en: "Document category in the HR system", de: "Dokumentenkategorie im HR-System" }), category?.name ?? "");
      expect(await preview(shown, "documents")).toBe(CERTIFICATES);
      await save(shown, certificates);
      const documents = await world.admin<{ category: number }[]>("GET", "/documents");
      expect(documents.map((document) => document.category)).toEqual(Array(CERTIFICATES).fill(category?.id));
      await shown.expectNoTrouble();
    });
  });
}
