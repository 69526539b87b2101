import { defineConfig } from "@playwright/test";

import { browser, results } from "./support/environment";

/** Not a test: `npm run screenshots` writes every screen as a picture, to be looked at. */
export default defineConfig({
  testDir: "screenshots",
  testMatch: "*.ts",
  outputDir: results,
  workers: 2,
  timeout: 600_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: { ...browser, actionTimeout: 20_000 },
});
