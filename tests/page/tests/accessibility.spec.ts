/** Every screen and dialog can be used by everybody: WCAG 2.2 AA as far as axe-core can tell, light and dark. */

import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

import { SCENES, Stage } from "../support/scenes";
import { Shown } from "../support/shown";
import { World } from "../support/world";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What a browser itself writes to the console where a scene is about something that is refused. */
const MEANT = /the server responded with a status of (401|403|404|409|422)/;

// Each scheme in the other language: what is longer, and what is darker, is both seen.
for (const [scheme, locale] of [
  ["light", "en"],
  ["dark", "de"],
] as const) {
  test.describe(`${scheme}, ${locale}`, () => {
    test.describe.configure({ mode: "default" });
    test.use({ colorScheme: scheme, reducedMotion: "reduce" });

    let stage: Stage;
    test.beforeAll(async () => {
      stage = await Stage.set(await World.start({ sandbox: ["--people", "60", "--certificates", "8"] }));
    });
    test.afterAll(() => stage?.world.end());

    for (const scene of SCENES) {
      test(scene.name, async ({ page }) => {
        const shown = new Shown(page, await stage.vendor(scene.who, locale), locale);
        await stage.show(scene, shown);
        const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
        const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html} ${node.any.map((one) => one.message).join(" ")}`).join("\n")}`);
        expect(told).toEqual([]);
        expect(shown.troubles.filter((trouble) => !MEANT.test(trouble))).toEqual([]);
      });
    }
  });
}
