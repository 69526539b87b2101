/**
 * Life in a frame that is as tall as its content. The vendor's page is told the height; and as what is fixed to such
 * a frame may lie far outside of what can be seen, dialogs are told which part of the frame that is: an intersection
 * observer is the only one who knows that across origins.
 */

import type { Bridge } from "./bridge";

/** The least height of the frame while a dialog is open. */
const DIALOG_PX = 640;

export class Frame {
  readonly #bridge: Bridge | null;
  readonly #content: HTMLElement;
  #holds = 0;
  #said = 0;
  #unwatch: (() => void) | null = null;

  constructor(bridge: Bridge | null, content: HTMLElement) {
    this.#bridge = bridge;
    this.#content = content;
    if (bridge === null) return;
    new ResizeObserver(() => this.#tell()).observe(content);
    this.#tell();
  }

  /** A dialog is open: the frame is tall enough for it, and its place is known. Gives what ends it. */
  overlay(): () => void {
    if (this.#bridge === null) return () => undefined;
    this.#holds += 1;
    if (this.#holds === 1) this.#watch();
    this.#tell();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      this.#holds -= 1;
      if (this.#holds === 0) this.#unwatch?.();
      this.#tell();
    };
  }

  #tell(): void {
    const content = Math.ceil(this.#content.getBoundingClientRect().height);
    const px = this.#holds > 0 ? Math.max(content, DIALOG_PX) : content;
    if (px === this.#said || px === 0) return;
    this.#said = px;
    this.#bridge?.say({ type: "height", px });
  }

  #watch(): void {
    const root = document.documentElement;
    const seen = new IntersectionObserver(
      (entries) => {
        const rect = entries.at(-1)?.intersectionRect;
        if (rect === undefined || rect.height < 1) return;
        root.style.setProperty("--seen-top", `${Math.max(0, Math.round(rect.top))}px`);
        root.style.setProperty("--seen-height", `${Math.round(rect.height)}px`);
      },
      { threshold: Array.from({ length: 101 }, (_, index) => index / 100) },
    );
    // A frame that grows where all of it is in sight crosses no threshold; observing anew tells at once.
    const look = () => {
      seen.unobserve(root);
      seen.observe(root);
    };
    look();
    addEventListener("resize", look);
    this.#unwatch = () => {
      seen.disconnect();
      removeEventListener("resize", look);
    };
  }
}
