import { afterEach, expect, it } from "vitest";
import { readTheme } from "../src/theme.js";

afterEach(() => document.body.replaceChildren());

function styled(style: string): HTMLElement {
  const element = document.createElement("div");
  element.setAttribute("style", style);
  document.body.append(element);
  return element;
}

it("hands over the properties that are set, and the font that holds", () => {
  const { variables } = readTheme(styled("--matricula-accent: #0a7d55; --matricula-radius: 2px; --other: 1; font-family: Georgia"), null);
  expect(variables).toMatchObject({ "--matricula-accent": "#0a7d55", "--matricula-radius": "2px", "--matricula-font": "Georgia" });
  expect(variables).not.toHaveProperty("--other");
});

it("prefers a font that is set for the page", () => {
  expect(readTheme(styled("--matricula-font: Inter; font-family: Georgia"), null).variables["--matricula-font"]).toBe("Inter");
});

it.each([
  ["rgb(20, 20, 30)", "light"],
  ["rgb(235, 235, 240)", "dark"],
  ["rgba(255, 255, 255, 0.87)", "dark"],
  ["rgb(96 96 96)", "light"],
])("reads the scheme from the text's colour: %s is %s", (color, scheme) => {
  expect(readTheme(styled(`color: ${color}`), "auto").scheme).toBe(scheme);
  expect(readTheme(styled(`color: black; --matricula-text: ${color}`), null).scheme).toBe(scheme);
});

it("hands over what it stands on, and in which colour is written there", () => {
  document.body.setAttribute("style", "background-color: rgb(19, 26, 25); color: rgb(232, 238, 234)");
  const inside = styled("background-color: rgba(0, 0, 0, 0)");
  expect(readTheme(inside, "auto")).toMatchObject({
    scheme: "dark",
    variables: { "--matricula-background": "rgb(19, 26, 25)", "--matricula-text": "rgb(232, 238, 234)" },
  });
  expect(readTheme(inside, "light").variables).not.toHaveProperty("--matricula-background");
  document.body.setAttribute("style", "background-color: rgba(19, 26, 25, 0.4)");
  expect(readTheme(inside, null).variables).not.toHaveProperty("--matricula-background");
  document.body.removeAttribute("style");
});

it("does as the attribute says", () => {
  expect(readTheme(styled("color: rgb(0, 0, 0)"), "dark").scheme).toBe("dark");
  expect(readTheme(styled("color: rgb(255, 255, 255)"), "light").scheme).toBe("light");
});
