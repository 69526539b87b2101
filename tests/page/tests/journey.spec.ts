/**
 * What somebody does who has never been here: from an empty tenant to both flows running, then what may happen to
 * them later. In both languages, through the vendor's page, with the real server and components.
 */

import { expect, test } from "@playwright/test";

import { Shown } from "../support/shown";
import { LOCALES, TEXTS } from "../support/words";
import { World } from "../support/world";

const PEOPLE = 40;
const CERTIFICATES = 12;

for (const locale of LOCALES) {
  test.describe(`in ${locale}`, () => {
    test.describe.configure({ mode: "serial" });

    let world: World;
    let vendor: string;
    test.beforeAll(async () => {
      world = await World.start({ sandbox: ["--people", `${PEOPLE}`, "--certificates", `${CERTIFICATES}`] });
      vendor = await world.vendor({ locale });
    });
    test.afterAll(() => world?.end());

    test("from nothing to people in the academy", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      await shown.open();
      await expect(frame.getByText(t("flows.empty"))).toBeVisible();
      await shown.link("flows.empty.action").click();

      const title = TEXTS[locale].employees;
      const card = frame.getByRole("listitem").filter({ has: shown.heading(title) });
      await card.getByRole("link", { name: t("catalogue.start") }).click();

      await expect(shown.heading(t("start.connect", { system: "Personio" }))).toBeVisible();
      await shown.fillPersonio();
      await shown.button("credentials.save").click();
      await expect(frame.getByText(t("credentials.result.ok", { system: "Personio" }))).toBeVisible();
      await shown.button("start.continue").click();

      await expect(shown.heading(t("start.connect", { system: "reteach" }))).toBeVisible();
      await shown.fillAcademy();
      await shown.button("credentials.save").click();
      await expect(frame.getByText(t("credentials.result.ok", { system: "reteach" }))).toBeVisible();
      await shown.button("start.continue").click();

      await expect(shown.heading(t("start.settings"))).toBeVisible();
      await shown.button("start.preview.show").click();

      // The preview tells everybody, and writes nothing.
      await expect(shown.heading(t("start.preview"))).toBeVisible();
      const people = frame.getByRole("table", { name: t("start.preview.people") });
      await expect(people.getByText(t("kind.people.created")).first()).toBeVisible();
      const [first] = await world.admin<number[]>("GET", "/people");
      const known = await world.admin<Record<string, string>>("GET", `/people/${first}`);
      await frame.getByLabel(t("start.preview.search")).fill(String(known["last_name"]));
      await expect(people.getByText(String(known["last_name"])).first()).toBeVisible();
      await expect(people.getByRole("cell", { name: String(first) }).first()).toBeVisible();
      expect(await world.accounts()).toEqual([]);

      await shown.button("start.save").click();
      await expect(shown.heading(t("start.done", { flow: title }))).toBeVisible();
      await expect(page.getByRole("status").filter({ hasText: locale === "de" ? "gestartet" : "started" })).toBeVisible();
      await shown.link("start.done.show").click();

      const run = frame.getByRole("row").filter({ hasText: t("run.status.succeeded") });
      await expect(run).toBeVisible({ timeout: 60_000 });
      expect(await world.accounts()).toHaveLength(PEOPLE);
      await shown.expectNoTrouble();
    });

    test("certificates in personnel files, with the credentials that are there", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      const title = TEXTS[locale].certificates;
      await shown.open("/catalogue");
      const card = frame.getByRole("listitem").filter({ has: shown.heading(title) });
      await card.getByRole("link", { name: t("catalogue.start") }).click();
      for (const system of ["reteach", "Personio"]) {
        await expect(shown.heading(t("start.connect", { system }))).toBeVisible();
        await expect(frame.getByText(t("credentials.result.ok", { system }))).toBeVisible();
        await shown.button("start.continue").click();
      }

      // The categories come from Personio, live.
      await expect(shown.heading(t("start.settings"))).toBeVisible();
      const categories = await world.admin<{ id: number; name: string }[]>("GET", "/categories");
      const category = categories.at(-1)?.name ?? "";
      const choice = frame.getByRole("combobox", { name: locale === "de" ? "Dokumentenkategorie in Personio" : "Document category in Personio" });
      await choice.click();
      await frame.getByRole("option", { name: category }).click();
      await expect(frame.getByText(t("start.requirement.met", { flow: TEXTS[locale].employees }))).toBeVisible();
      await shown.button("start.preview.show").click();
      await expect(frame.getByRole("table", { name: t("start.preview.people") })).toBeVisible();
      expect(await world.admin("GET", "/documents")).toEqual([]);
      await shown.button("start.save").click();
      await shown.link("start.done.show").click();
      await expect(frame.getByRole("row").filter({ hasText: t("run.status.succeeded") })).toBeVisible({ timeout: 60_000 });

      const documents = await world.admin<{ category: number }[]>("GET", "/documents");
      expect(documents).toHaveLength(CERTIFICATES);
      expect(new Set(documents.map((document) => document.category))).toEqual(new Set([categories.at(-1)?.id]));
      await shown.expectNoTrouble();
    });

    test("My Flows tells that both run; one is deactivated and re-activated", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { t } = shown;
      await shown.open("/automations");
      await expect(shown.frame.getByText(t("flows.fine"))).toBeVisible();
      for (const flow of ["employees", "certificates"] as const) {
        await expect(shown.row(flow)).toContainText(t("state.active"));
        await expect(shown.row(flow)).toContainText(t("run.status.succeeded"));
      }
      const row = shown.row("employees");
      await expect(row).toContainText(t("records.people", { n: PEOPLE }));

      await row.getByRole("button", { name: t("do.deactivate") }).click();
      await expect(shown.dialog()).toContainText(t("deactivate.title"));
      await shown.dialog().getByRole("button", { name: t("action.cancel") }).click();
      await expect(shown.dialog()).toHaveCount(0);
      await expect(row).toContainText(t("state.active"));
      await row.getByRole("button", { name: t("do.deactivate") }).click();
      await shown.dialog().getByRole("button", { name: t("do.deactivate") }).click();
      await expect(row).toContainText(t("state.deactivated"));

      await row.getByRole("button", { name: t("do.reactivate") }).click();
      await expect(shown.dialog()).toContainText(t("reactivate.title"));
      await shown.dialog().getByRole("button", { name: t("do.reactivate") }).click();
      await expect(row).toContainText(t("state.active"));
      await row.getByRole("link", { name: TEXTS[locale].employees }).click();
      await shown.link("tab.history").click();
      for (const deed of ["history.started", "history.deactivated", "history.reactivated"] as const) {
        await expect(shown.frame.getByText(t(deed), { exact: true })).toBeVisible();
      }
      await shown.expectNoTrouble();
    });

    test("credentials that are rejected are replaced, and all goes on", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      await world.admin("POST", "/faults", { kind: { status: 401 }, system: "scim" });
      await shown.open("/automations");
      await shown.row("employees").getByRole("button", { name: t("do.run") }).click();
      await expect(shown.row("employees")).toContainText(t("state.paused"), { timeout: 60_000 });
      const needs = frame.getByRole("region", { name: t("flows.attention") });
      await expect(needs).toContainText(TEXTS[locale].employees);
      // What needs somebody comes first.
      const rows = frame.getByRole("table", { name: t("flows.all") }).getByRole("row");
      await expect(rows.nth(1)).toContainText(TEXTS[locale].employees);

      await needs.getByRole("link", { name: t("attention.fix.credentials") }).click();
      await shown.link("access.manage").click();
      await world.admin("DELETE", "/faults");
      await shown.button("credentials.replace.of", { name: "reteach" }).click();
      await shown.fillAcademy();
      await shown.dialog().getByRole("button", { name: t("credentials.save") }).click();
      await expect(frame.getByText(t("credentials.result.ok", { system: "reteach" }))).toBeVisible();
      await shown.button("credentials.done").click();

      await shown.go("automations");
      await expect(shown.row("employees")).toContainText(t("state.active"), { timeout: 60_000 });
      await expect(shown.row("employees")).toContainText(t("run.status.succeeded"), { timeout: 60_000 });
      await expect(needs).toHaveCount(0);
      await shown.expectNoTrouble();
    });

    test("a lock-out is held back until it is approved", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      const before = (await world.accounts()).filter((account) => account.active).length;
      const dismissed = await world.dismiss(Math.ceil(before * 0.4));
      const n = dismissed.length;
      await shown.open("/automations");
      await shown.row("employees").getByRole("button", { name: t("do.run") }).click();
      const needs = frame.getByRole("region", { name: t("flows.attention") });
      await expect(needs).toContainText(t("attention.staged", { n }), { timeout: 60_000 });
      expect((await world.accounts()).filter((account) => account.active)).toHaveLength(before);

      await needs.getByRole("link", { name: t("attention.review") }).click();
      const held = frame.getByRole("table", { name: t("staged.title") });
      await expect(held.getByRole("row")).toHaveCount(n + 1);
      await expect(held.getByRole("cell", { name: String(dismissed[0]), exact: true })).toBeVisible();
      await shown.button("staged.approve").click();
      await expect(shown.dialog()).toContainText(t("staged.approve.title", { n }));
      await shown.dialog().getByRole("button", { name: t("staged.approve") }).click();
      await expect(held).toHaveCount(0, { timeout: 60_000 });
      await expect.poll(async () => (await world.accounts()).filter((account) => account.active).length, { timeout: 60_000 }).toBe(before - n);
      const blocked = (await world.accounts()).filter((account) => !account.active).map((account) => account.externalId);
      for (const id of dismissed) expect(blocked).toContain(String(id));

      await shown.go("automations");
      await expect(needs).toHaveCount(0);
      await shown.expectNoTrouble();
    });
  });
}
