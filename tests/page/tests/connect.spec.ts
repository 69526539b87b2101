/**
 * Systems that are not signed in to by typing secrets, and flows that have to be tested first: Kombo's window in the
 * wizard and among the credentials, and edyoucated from its test to its first run.
 */

import { expect, type FrameLocator, test } from "@playwright/test";

import { EDYOUCATED, PERSONIO } from "../support/customer";
import { Shown } from "../support/shown";
import { LOCALES } from "../support/words";
import { World } from "../support/world";

const PEOPLE = 12;

/** What a sandbox's Kombo shows in place of the real window. */
const windowOf = (shown: Shown): FrameLocator => shown.frame.frameLocator("iframe");

/** Signs in there, which closes it: until then there are two dialogs. */
async function signIn(shown: Shown): Promise<void> {
  await windowOf(shown).getByRole("button", { name: "Connect" }).click();
  await expect(shown.frame.locator(".connect-window")).toHaveCount(0);
}

for (const locale of LOCALES) {
  test.describe(`in ${locale}`, () => {
    test.describe.configure({ mode: "serial" });

    let world: World;
    let vendor: string;
    test.beforeAll(async () => {
      world = await World.start({ sandbox: ["--people", `${PEOPLE}`] });
      vendor = await world.vendor({ locale });
    });
    test.afterAll(() => world?.end());

    test("somebody connects in Kombo's window, and thinks twice before", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      await shown.open("/start/sync-employees-from-kombo");
      await expect(shown.heading(t("start.connect", { system: "Kombo" }))).toBeVisible();
      await expect(frame.getByText(t("connect.how", { system: "Kombo" }))).toBeVisible();

      const connect = shown.button("connect.do", { system: "Kombo" });
      await connect.click();
      await expect(shown.dialog()).toContainText(t("connect.window", { system: "Kombo" }));
      await windowOf(shown).getByRole("button", { name: "Cancel" }).click();
      await expect(frame.getByText(t("connect.closed"))).toBeVisible();
      await connect.click();
      await expect(windowOf(shown).getByRole("button", { name: "Connect" })).toBeVisible();
      await shown.dialog().getByRole("button", { name: t("action.cancel"), exact: true }).click();
      await expect(shown.dialog()).toHaveCount(0);
      await expect(frame.getByText(t("connect.closed"))).toBeVisible();
      const none = await world.customer(vendor).ask<{ items: unknown[] }>("GET", "/credentials");
      expect(none.items).toEqual([]);

      await connect.click();
      // In the vendor's page, whatever its height: the window lies within the dialog that can be seen.
      const box = await frame.locator(".connect-window iframe").boundingBox();
      expect(box?.height).toBeLessThanOrEqual(640);
      await signIn(shown);
      await expect(frame.getByText(t("credentials.result.ok", { system: "Kombo" }))).toBeVisible();
      await shown.button("start.continue").click();
      await expect(shown.heading(t("start.connect", { system: "reteach" }))).toBeVisible();
      await shown.expectNoTrouble();
    });

    test("a connection is signed in to anew, and types nothing", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { t } = shown;
      const ids = async () => (await world.customer(vendor).ask<{ items: { public: object }[] }>("GET", "/credentials")).items.map((one) => one.public);
      const before = await ids();
      await shown.open("/credentials");
      await shown.button("credentials.replace.of", { name: "Kombo" }).click();
      // Typing a key in its place would leave the connection behind.
      await expect(shown.dialog().getByRole("radio")).toHaveCount(0);
      await shown.dialog().getByRole("button", { name: t("connect.again"), exact: true }).click();
      await signIn(shown);
      await expect(shown.dialog()).toContainText(t("credentials.result.ok", { system: "Kombo" }));
      expect(await ids()).toEqual(before);
      await shown.expectNoTrouble();
    });

    test("what keeps the window closed is told in the reader's language", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      await world.admin("POST", "/faults", { kind: { status: 503 }, system: "kombo" });
      await shown.open("/credentials");
      await shown.button("credentials.add").click();
      await shown.dialog().getByRole("button", { name: "Kombo" }).click();
      await shown.dialog().getByRole("button", { name: t("connect.do", { system: "Kombo" }), exact: true }).click();
      const alert = shown.dialog().getByRole("alert");
      await expect(alert).toBeVisible();
      // The server's own words are English; in German they stand behind a line.
      const own = alert.getByText(/Kombo is not available|could not be asked/);
      if (locale === "de") {
        await expect(own).toBeHidden();
        await alert.getByText(t("error.details")).click();
      }
      await expect(own).toBeVisible();
      await expect(frame.locator(".connect-window")).toHaveCount(0);
      await world.admin("DELETE", "/faults");
    });

    test("what the window gave is offered again where it could not be stored", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      await shown.open("/credentials");
      await shown.button("credentials.add").click();
      await shown.dialog().getByRole("button", { name: "Kombo" }).click();
      const connect = shown.dialog().getByRole("button", { name: t("connect.do", { system: "Kombo" }), exact: true });
      await connect.click();
      await world.admin("POST", "/faults", { kind: { status: 503 }, system: "kombo", path: "integration-by-token", times: 1 });
      await signIn(shown);
      await expect(shown.dialog().getByRole("alert")).toBeVisible();
      // Another window would make another connection.
      await connect.click();
      await expect(frame.getByText(t("credentials.result.ok", { system: "Kombo" }))).toBeVisible();
      await world.admin("DELETE", "/faults");
    });

    test("a connection ends with its credentials, and stays where they are removed here only", async ({ page }) => {
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      const connections = async () => (await world.admin<{ integrations: string[] }>("GET", "/kombo")).integrations.length;
      const rows = frame.getByRole("row").filter({ hasText: "Kombo" });
      await shown.open("/credentials");
      await expect(rows).toHaveCount(2);
      const before = await connections();
      await world.admin("POST", "/faults", { kind: { status: 503 }, system: "kombo" });
      await shown.button("credentials.remove.of", { name: "Kombo 2" }).click();
      const dialog = frame.getByRole("alertdialog");
      await expect(dialog).toContainText(t("credentials.remove.ends", { system: "Kombo" }));
      const alone = dialog.getByRole("button", { name: t("credentials.remove.alone"), exact: true });
      await expect(alone).toHaveCount(0);
      const remove = dialog.getByRole("button", { name: t("action.remove"), exact: true });
      await remove.click();
      const alert = dialog.getByRole("alert");
      await expect(alert).toBeVisible();
      const own = alert.getByText("status 503");
      await expect(own).toBeHidden();
      await alert.getByText(t("error.details")).click();
      await expect(own).toBeVisible();
      // Whoever removes it here only sees that button at work, and no other.
      let go = () => undefined as void;
      const held = new Promise<void>((resolve) => (go = resolve));
      await page.route(/connection=keep/, async (route) => {
        await held;
        await route.continue();
      });
      await alone.click();
      await expect(alone).toHaveAttribute("data-pending", "true");
      await expect(remove).toBeDisabled();
      await expect(remove).not.toHaveAttribute("data-pending");
      go();
      await expect(rows).toHaveCount(1);
      await world.admin("DELETE", "/faults");
      expect(await connections()).toBe(before);
      await shown.button("credentials.remove.of", { name: "Kombo" }).click();
      await dialog.getByRole("button", { name: t("action.remove"), exact: true }).click();
      await expect(rows).toHaveCount(0);
      expect(await connections()).toBe(before - 1);
    });

    test("edyoucated is tested, then activated, and runs at once", async ({ page }) => {
      const customer = world.customer(vendor);
      const { client_id, client_secret } = PERSONIO;
      await customer.ask("POST", "/credentials", { name: "Personio", connector: "personio", public: { client_id }, secrets: { client_secret } });
      const shown = new Shown(page, vendor, locale);
      const { frame, t } = shown;
      await shown.open("/start/sync-employees-to-edyoucated");
      await expect(frame.getByText(t("credentials.result.ok", { system: "Personio" }))).toBeVisible();
      await shown.button("start.continue").click();
      const names = { en: ["SCIM address", "SCIM token"], de: ["SCIM-Adresse", "SCIM-Token"] }[locale];
      await shown.fill({ [names[0] ?? ""]: EDYOUCATED.scim_url, [names[1] ?? ""]: EDYOUCATED.scim_token });
      await shown.button("credentials.save").click();
      await expect(frame.getByText(t("credentials.result.ok", { system: "edyoucated" }))).toBeVisible();
      await shown.button("start.continue").click();
      const teams = frame.getByRole("group", { name: locale === "de" ? "Teams aus" : "Teams from" });
      await expect(teams.getByRole("checkbox", { name: locale === "de" ? "Abteilung" : "Department" })).toBeChecked();
      await teams.getByRole("checkbox", { name: locale === "de" ? "Standort" : "Office" }).check();
      await shown.button("start.test.show").click();

      await expect(shown.heading(t("start.test"))).toBeVisible();
      const people = frame.getByRole("table", { name: t("start.preview.people") });
      await expect(people.getByText(t("kind.people.created")).first()).toBeVisible();
      await shown.button("start.activate").click();
      const asked = shown.dialog();
      await expect(asked).toContainText(t("start.activate.text", { system: "edyoucated" }));
      await asked.getByRole("button", { name: t("action.cancel"), exact: true }).click();
      await expect(asked).toHaveCount(0);
      expect((await customer.ask<{ items: unknown[] }>("GET", "/automations")).items).toEqual([]);

      await shown.button("start.activate").click();
      await asked.getByRole("button", { name: t("start.activate"), exact: true }).click();
      await shown.link("start.done.show").click();
      await expect(frame.getByRole("row").filter({ hasText: t("run.status.succeeded") })).toBeVisible({ timeout: 60_000 });
      const groups = await world.admin<{ displayName: string }[]>("GET", "/groups?system=edyoucated");
      expect(groups.map((group) => group.displayName)).toContainEqual(expect.stringMatching(/^Department /));
      await shown.expectNoTrouble();
    });
  });
}
