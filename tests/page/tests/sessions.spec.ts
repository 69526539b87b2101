/** Who somebody is: what a viewer sees, what was not bought, how a session goes on, and how one person alone signs in. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, test } from "@playwright/test";

import { EMPLOYEES } from "../support/customer";
import { Shown } from "../support/shown";
import { token } from "../support/token";
import { TEXTS, words } from "../support/words";
import { World } from "../support/world";

const t = words("en");

test.describe.configure({ mode: "default" });

let world: World;
let owner: string;
let automation: string;
test.beforeAll(async () => {
  world = await World.start({ sandbox: ["--people", "12"], signIn: true });
  owner = await world.vendor();
  const customer = world.customer(owner);
  const { personio, academy } = await customer.addCredentials();
  automation = await customer.start(EMPLOYEES, personio, academy);
});
test.afterAll(() => world?.end());

test("a viewer sees everything and can change nothing", async ({ page }) => {
  const shown = new Shown(page, await world.vendor({ role: "viewer" }));
  const deeds = [t("do.run"), t("do.deactivate"), t("flows.add"), t("catalogue.start"), t("credentials.add"), t("credentials.replace"), t("credentials.test"), t("access.test"), t("action.save"), t("settings.hook.make"), t("settings.remove")];
  const tabs = ["", "/runs", "/settings", "/credentials", "/history"].map((tab) => `/automations/${automation}${tab}`);
  for (const path of ["/automations", "/catalogue", "/credentials", ...tabs]) {
    await shown.open(path);
    for (const name of deeds) {
      await expect(shown.frame.getByRole("button", { name, exact: true }), `${name} on ${path}`).toHaveCount(0);
      await expect(shown.frame.getByRole("link", { name, exact: true }), `${name} on ${path}`).toHaveCount(0);
    }
  }
  await shown.open("/automations");
  await expect(shown.row("employees")).toContainText(t("state.active"));
  await shown.open(`/start/${EMPLOYEES}`);
  await expect(shown.heading(t("start.viewer"))).toBeVisible();
  await shown.expectNoTrouble();
});

test("a flow that was not bought is shown with the vendor's own sentence", async ({ page }) => {
  const shown = new Shown(page, await world.vendor({ flows: [EMPLOYEES] }));
  await shown.open("/catalogue");
  const card = shown.frame.getByRole("listitem").filter({ has: shown.heading(TEXTS.en.certificates) });
  await expect(card).toContainText(world.notBought.en);
  await expect(card.getByRole("link", { name: t("catalogue.start") })).toHaveCount(0);
  await shown.open("/start/sync-certificates");
  await expect(shown.heading(t("start.not-bought"))).toBeVisible();
  await expect(shown.frame.getByText(world.notBought.en)).toBeVisible();
  await shown.expectNoTrouble();
});

test("a token that has expired is replaced without anybody noticing", async ({ page }) => {
  // The first is past all skew of clocks; whoever looks sees My Flows all the same.
  const given: string[] = [];
  await page.route("**/matricula-token", async (route) => {
    const one = token(world.key, given.length === 0 ? 900 : 0);
    given.push(one);
    await route.fulfill({ json: { token: one } });
  });
  const shown = new Shown(page, owner);
  await shown.open("/automations");
  await expect(shown.row("employees")).toBeVisible();
  expect(given).toHaveLength(2);

  // An hour later, with the window left open.
  await page.clock.install();
  await shown.open("/automations");
  expect(given, "one that is good is enough").toHaveLength(3);
  await page.clock.fastForward("01:00:00");
  await shown.go("credentials");
  await expect(shown.frame.getByRole("row").filter({ hasText: "Personio" })).toBeVisible();
  expect(given.length).toBeGreaterThan(3);
});

test("a page that nobody knows cannot have the frame", async ({ page }) => {
  const foreign = createServer((request, response) => {
    response.setHeader("content-type", "text/html");
    response.end(`<iframe src="${world.origin}/app/?vendor=northwind&origin=http://${request.headers.host}"></iframe>`);
  });
  await new Promise<void>((resolve) => foreign.listen(0, "127.0.0.1", resolve));
  const { port } = foreign.address() as AddressInfo;
  const answered = page.waitForResponse((response) => response.url().includes("/app/?"));
  await page.goto(`http://127.0.0.1:${port}/`);
  // The server answers; it is the browser that keeps to what the answer says.
  const policy = (await (await answered).allHeaders())["content-security-policy"];
  expect(policy).toContain(`frame-ancestors `);
  expect(policy).toContain(new URL(owner).origin);
  expect(policy).not.toContain(`:${port}`);
  await expect.poll(() => page.frames()[1]?.url()).toBe("chrome-error://chromewebdata/");
  foreign.close();
});

test("the local sign-in link is good once", async ({ page, browser }) => {
  const link = world.signIn;
  if (link === null) throw new Error("the server gave no link");
  await page.goto(link);
  await expect(page.getByText(t("flows.empty"))).toBeVisible();
  expect(page.url()).not.toContain("sign-in");
  // The tab stays signed in.
  await page.reload();
  await expect(page.getByText(t("flows.empty"))).toBeVisible();
  expect(await page.evaluate(() => document.cookie)).toBe("");

  const other = await browser.newContext();
  const second = await other.newPage();
  await second.goto(link);
  await expect(second.getByRole("heading", { name: t("session.link-used") })).toBeVisible();
  await other.close();
});
