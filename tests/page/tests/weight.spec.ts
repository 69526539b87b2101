/** How much a browser has to fetch: what is built holds its budget. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { expect, test } from "@playwright/test";

import { root } from "../support/environment";

const dist = join(root, "host/page/dist");
const kilobytes = (file: string) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length / 1000;

test("the page's main bundle is at most 180 kB, compressed", () => {
  const html = readFileSync(join(dist, "index.html"), "utf8");
  // What index.html names is what comes before the first screen.
  const named = [...html.matchAll(/(?:src|href)="\.?\/?(?:app\/)?(assets\/[^"]+)"/g)].map((match) => match[1] ?? "");
  expect(named.filter((file) => file.endsWith(".js"))).not.toEqual([]);
  const sum = named.map(kilobytes).reduce((one, other) => one + other, 0);
  test.info().annotations.push({ type: "kB", description: sum.toFixed(1) });
  expect(sum).toBeLessThanOrEqual(180);
});

test("the script that embeds it is at most 5 kB, compressed", () => {
  expect(kilobytes("embed.js")).toBeLessThanOrEqual(5);
});
