/**
 * Light, dark, and what a vendor sets. The scheme is an attribute of the root element; a vendor's accent is looked
 * at, so that what is written on it, and in it, can be read whatever the vendor has chosen.
 */

export type Scheme = "auto" | "light" | "dark";

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

const VARIABLES = [
  "--matricula-accent",
  "--matricula-font",
  "--matricula-radius",
  "--matricula-background",
  "--matricula-text",
] as const;

/** The least contrast of text that WCAG 2.2 AA asks for. */
const READABLE = 4.5;

export function luminance([red, green, blue]: Rgb): number {
  const linear = (value: number) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

export function contrast(one: Rgb, other: Rgb): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

export function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share);
  return [part(0), part(1), part(2)];
}

/** The shade of `color` nearest to it that can be read on `background`, on the way to `ink`. */
export function readable(color: Rgb, background: Rgb, ink: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.05) {
    const shade = mix(color, ink, share);
    if (contrast(shade, background) >= READABLE) return shade;
  }
  return ink;
}

const BLACK: Rgb = [16, 17, 19];
const WHITE: Rgb = [255, 255, 255];

/** What is written on `color`. */
export function inkOn(color: Rgb): Rgb {
  return contrast(color, WHITE) >= READABLE || contrast(color, WHITE) >= contrast(color, BLACK) ? WHITE : BLACK;
}

const css = ([red, green, blue]: Rgb) => `rgb(${red} ${green} ${blue})`;

/** Reads any CSS colour by having it painted; null if it is none, or see-through. */
function parse(color: string): Rgb | null {
  if (color === "" || !CSS.supports("color", color)) return null;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const paint = canvas.getContext("2d", { willReadFrequently: true });
  if (paint === null) return null;
  paint.fillStyle = color;
  paint.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = paint.getImageData(0, 0, 1, 1).data;
  return alpha < 255 ? null : [red, green, blue];
}

export class Theme {
  readonly #root: HTMLElement;
  readonly #dark: MediaQueryList;
  #scheme: Scheme = "auto";

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#dark = matchMedia("(prefers-color-scheme: dark)");
    this.#dark.addEventListener("change", () => this.#apply());
    this.#apply();
  }

  /** Takes what the vendor's page has set. Anything but the five variables is left out. */
  set(scheme: Scheme, variables: Readonly<Record<string, string>> = {}): void {
    this.#scheme = scheme;
    for (const name of VARIABLES) {
      const value = variables[name]?.trim() ?? "";
      // What could fetch something is no theme.
      if (value === "" || /url\(|image\(|[;{}]/i.test(value)) this.#root.style.removeProperty(name);
      else this.#root.style.setProperty(name, value);
    }
    this.#apply();
  }

  #apply(): void {
    const dark = this.#scheme === "dark" || (this.#scheme === "auto" && this.#dark.matches);
    this.#root.dataset["scheme"] = dark ? "dark" : "light";
    const own = (name: string) => parse(this.#root.style.getPropertyValue(name).trim());
    const accent = own("--matricula-accent");
    if (accent === null) {
      this.#root.style.removeProperty("--on-accent");
      this.#root.style.removeProperty("--accent-ink");
      return;
    }
    const background = own("--matricula-background") ?? (dark ? BLACK : WHITE);
    const ink = own("--matricula-text") ?? (dark ? WHITE : BLACK);
    this.#root.style.setProperty("--on-accent", css(inkOn(accent)));
    this.#root.style.setProperty("--accent-ink", css(readable(accent, background, ink)));
  }
}
