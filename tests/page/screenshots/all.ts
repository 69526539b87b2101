/** Writes every scene in both themes, at two widths and in both languages, to the folder in SCREENSHOTS. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { test } from "@playwright/test";

import { results } from "../support/environment";
import { SCENES, Stage } from "../support/scenes";
import { Shown } from "../support/shown";
import { LOCALES } from "../support/words";
import { World } from "../support/world";

const folder = process.env["SCREENSHOTS"] || join(results, "screenshots");
const only = process.env["SCENES"]?.split(",");

for (const locale of LOCALES) {
  test.describe(locale, () => {
    test.describe.configure({ mode: "default" });
    let stage: Stage;
    test.beforeAll(async () => {
      mkdirSync(folder, { recursive: true });
      stage = await Stage.set(await World.start({ sandbox: ["--people", "60", "--certificates", "8", ...(locale === "de" ? ["--german"] : [])] }));
    });
    test.afterAll(() => stage?.world.end());

    for (const scene of SCENES.filter(({ name }) => only === undefined || only.includes(name))) {
      test(scene.name, async ({ browser }) => {
        const vendor = await stage.vendor(scene.who, locale);
        for (const colorScheme of ["light", "dark"] as const) {
          for (const width of [1280, 390]) {
            const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
            const page = await context.newPage();
            await stage.show(scene, new Shown(page, vendor, locale));
            await page.screenshot({ path: join(folder, `${scene.name}-${locale}-${colorScheme}-${width}.png`), fullPage: true });
            await context.close();
          }
        }
      });
    }
  });
}
