import { defineConfig } from "@playwright/test";

import { browser, results } from "./support/environment";

export default defineConfig({
  testDir: "tests",
  outputDir: results,
  // Each group of tests has servers of its own; a file whose tests share them says so.
  fullyParallel: true,
  workers: 2,
  // A test that fails now and then is a wrong test, or a wrong page.
  retries: 0,
  forbidOnly: true,
  timeout: 180_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: { ...browser, actionTimeout: 20_000, trace: "retain-on-failure", screenshot: "only-on-failure" },
});
