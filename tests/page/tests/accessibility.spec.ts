/** Every screen and dialog can be used by everybody: WCAG 2.2 AA as far as axe-core can tell, light and dark. */

import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "@playwright/test";

import { SCENES, Stage } from "../support/scenes";
import { Shown } from "../support/shown";
import { World } from "../support/world";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

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
        // What React Aria has announced may name an element that is gone; nobody can come upon it.
        const builder = new AxeBuilder({ page }).withTags(RULES).exclude({ fromFrames: [{ fromShadowDom: ["matricula-automations", "iframe"] }, "[data-live-announcer]"] });
        const { violations } = await builder.analyze();
        const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `  ${node.html} ${node.any.map((one) => one.message).join(" ")}`).join("\n")}`);
        expect(told).toEqual([]);
        expect(shown.troubles).toEqual([]);
      });
    }
  });
}
