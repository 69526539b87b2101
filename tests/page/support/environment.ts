/** What is driven, and by what: `cargo xtask test` says so by variables; by hand the places are those of a build. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import type { PlaywrightTestConfig } from "@playwright/test";

/** The root of the workspace. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

const given = (name: string, otherwise: string) => process.env[name] || join(root, otherwise);

export const programs = {
  matricula: given("MATRICULA_TEST_PROGRAM", "target/debug/matricula"),
  sandbox: given("MATRICULA_TEST_SANDBOX", "target/debug/matricula-sandbox"),
  connectors: given("MATRICULA_TEST_CONNECTORS", "target/connectors"),
} as const;

/** Where traces and pictures of what went wrong are put. */
export const results = given("MATRICULA_TEST_RESULTS", "target/page-tests");

function chromium(): string {
  const given = process.env["MATRICULA_CHROMIUM"];
  if (given) return given;
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error("There is no Chromium in the PATH; name one by MATRICULA_CHROMIUM.");
  return found;
}

export const browser: PlaywrightTestConfig["use"] = {
  browserName: "chromium",
  headless: true,
  launchOptions: {
    executablePath: chromium(),
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  },
};
