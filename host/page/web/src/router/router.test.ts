import { expect, it } from "vitest";

import { parse, pathOf, paths } from "./router";

it.each([
  [paths.catalogue(), { screen: "catalogue" }],
  [paths.start("sync-employees"), { screen: "start", flow: "sync-employees" }],
  [paths.automations(), { screen: "automations" }],
  [paths.automation("a/1 ä"), { screen: "automation", id: "a/1 ä", tab: "overview" }],
  [paths.automation("a1", "history"), { screen: "automation", id: "a1", tab: "history" }],
  [paths.run("a1", 7), { screen: "automation", id: "a1", tab: "runs", run: 7 }],
  [paths.credentials(), { screen: "credentials" }],
  ["/", { screen: "automations" }],
  ["/automations/a1/runs?status=failed", { screen: "automation", id: "a1", tab: "runs" }],
])("reads %s", (path, route) => {
  expect(parse(path)).toEqual(route);
});

it.each(["/nothing", "/automations/a1/overview", "/automations/a1/runs/x", "/automations/a1/settings/7", "/start", "/catalogue/x", "/automations/%E0%A4%A"])(
  "knows no screen %s",
  (path) => {
    expect(parse(path)).toEqual({ screen: "unknown" });
  },
);

it("takes what is no path for the first screen", () => {
  expect(pathOf("")).toBe("/");
  expect(pathOf("#sign-in=x")).toBe("/");
  expect(pathOf("#/catalogue")).toBe("/catalogue");
});
