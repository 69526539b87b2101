// The page in the frame is to look like the page around it. A frame inherits nothing, so the element reads what holds
// where it stands and hands it over.

import { type Scheme, themeVariables } from "./messages.js";

/** What holds for `element` now. `wanted` is its `theme` attribute. */
export function readTheme(element: Element, wanted: string | null): { scheme: Scheme; variables: Record<string, string> } {
  const style = getComputedStyle(element);
  const variables: Record<string, string> = {};
  for (const name of themeVariables) {
    const value = style.getPropertyValue(name).trim();
    if (value) variables[name] = value;
  }
  if (style.fontFamily) variables["--matricula-font"] ??= style.fontFamily;
  const found = schemeOf(variables["--matricula-text"] ?? style.color);
  const scheme = wanted === "light" || wanted === "dark" ? wanted : found;
  // Colours of the place hold only if they are of the scheme that is asked for.
  if (scheme === found) {
    const ground = groundOf(element);
    if (ground) variables["--matricula-background"] ??= ground;
    if (style.color) variables["--matricula-text"] ??= style.color;
  }
  return { scheme, variables };
}

/** Light text stands on dark ground: that holds however the vendor's page switches its themes. */
function schemeOf(text: string): Scheme {
  const [red, green, blue] = channels(text);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 140 ? "dark" : "light";
}

/** The colour that `element` stands on, if there is a plain one. */
function groundOf(element: Element): string | null {
  for (let node: Element | null = element; node; node = node.parentElement) {
    const { backgroundColor, backgroundImage } = getComputedStyle(node);
    if (backgroundImage && backgroundImage !== "none") return null;
    if (backgroundColor && backgroundColor !== "transparent" && !/^rgba\(.*, 0\)$/.test(backgroundColor)) {
      return /[,/] *0?\.\d+\)$/.test(backgroundColor) ? null : backgroundColor;
    }
  }
  return null;
}

function channels(color: string): [number, number, number] {
  const plain = /^rgba?\(([\d.]+),? +([\d.]+),? +([\d.]+)/.exec(color);
  if (plain) return [Number(plain[1]), Number(plain[2]), Number(plain[3])];
  // Every other notation (oklch, color(display-p3 …), names) is for the browser to work out, by painting one pixel.
  const context = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  if (!context) return [0, 0, 0];
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data;
  return [red, green, blue];
}
