import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { contrast, inkOn, mix, readable, type Rgb } from "./theme";

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];

it("measures contrast as WCAG does", () => {
  expect(contrast(BLACK, WHITE)).toBeCloseTo(21);
  expect(contrast([119, 119, 119], WHITE)).toBeCloseTo(4.48, 1);
});

it.each<[string, Rgb]>([
  ["yellow", [255, 214, 10]],
  ["light blue", [120, 190, 255]],
  ["navy", [10, 20, 80]],
  ["grey", [128, 128, 128]],
])("makes %s readable, on and as text, in light and dark", (_, accent) => {
  expect(contrast(inkOn(accent), accent)).toBeGreaterThanOrEqual(4.5);
  expect(contrast(readable(accent, WHITE, BLACK), WHITE)).toBeGreaterThanOrEqual(4.5);
  expect(contrast(readable(accent, BLACK, WHITE), BLACK)).toBeGreaterThanOrEqual(4.5);
});

it("leaves a colour that can be read as it is", () => {
  expect(readable([10, 20, 80], WHITE, BLACK)).toEqual([10, 20, 80]);
});

describe("the tokens' colours", () => {
  const [light = "", dark = ""] = readFileSync("src/theme/tokens.css", "utf8").split(':root[data-scheme="dark"]');
  const value = (css: string, name: string): Rgb => {
    const found = new RegExp(`--${name}: (?:var\\([^,]+, )?#([0-9a-f]{6})`).exec(css)?.[1];
    if (found === undefined) throw new Error(`no --${name}`);
    return [0, 2, 4].map((at) => Number.parseInt(found.slice(at, at + 2), 16)) as unknown as Rgb;
  };
  it.each([
    ["light", light],
    ["dark", dark],
  ])("can be read in %s", (_, css) => {
    const surface = value(css, "surface");
    const ink = value(css, "ink");
    for (const share of [0.72, 0.64]) expect(contrast(mix(surface, ink, share), surface)).toBeGreaterThanOrEqual(4.5);
    for (const tone of ["good", "warn", "bad"]) {
      expect(contrast(value(css, tone), surface), tone).toBeGreaterThanOrEqual(4.5);
      expect(contrast(value(css, tone), value(css, `${tone}-soft`)), `${tone} on its ground`).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(value(css, "accent"), surface)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(value(css, "on-accent"), value(css, "accent"))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(value(css, "on-bad"), value(css, "bad"))).toBeGreaterThanOrEqual(4.5);
    // What marks the edge of a field needs less.
    expect(contrast(mix(surface, ink, 0.47), surface)).toBeGreaterThanOrEqual(3);
  });
});
