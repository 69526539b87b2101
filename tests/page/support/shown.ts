/** The page as somebody sees it: inside the vendor's, in a language. What goes wrong unseen is collected. */

import { expect, type Frame, type FrameLocator, type Locator, type Page } from "@playwright/test";

import { ACADEMY, PERSONIO } from "./customer";
import { type Key, type Locale, TEXTS, words } from "./words";

export class Shown {
  readonly page: Page;
  readonly locale: Locale;
  /** The frame in the vendor's page. */
  readonly frame: FrameLocator;
  readonly t: ReturnType<typeof words>;
  /** Errors of scripts, of the console and of the content security policy, and requests that were refused. */
  readonly troubles: string[] = [];
  readonly #vendor: string;

  constructor(page: Page, vendor: string, locale: Locale = "en") {
    this.page = page;
    this.locale = locale;
    this.#vendor = vendor;
    this.frame = page.frameLocator("matricula-automations iframe");
    this.t = words(locale);
    page.on("console", (message) => {
      // What a request was refused for is told below, with its reason.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) this.troubles.push(message.text());
    });
    page.on("response", (response) => {
      if (response.status() < 400) return;
      const { pathname } = new URL(response.url());
      this.troubles.push(`${response.status()} ${response.request().method()} ${pathname} ${response.request().postData() ?? ""}`);
    });
    page.on("pageerror", (error) => this.troubles.push(String(error)));
  }

  /** Opens the vendor's page at a screen, and waits for its heading. */
  async open(path = ""): Promise<void> {
    // Only a new document forgets what an earlier screen held.
    await this.page.goto("about:blank");
    await this.page.goto(`${this.#vendor}${path === "" ? "" : `#${path}`}`);
    await expect(this.frame.getByRole("heading", { level: 1 })).toBeVisible();
    await this.calm();
  }

  /** Nothing is being loaded any more. */
  async calm(): Promise<void> {
    await expect(this.frame.locator(".skeleton, [aria-busy=true]")).toHaveCount(0);
  }

  /** The frame itself, for what is not seen. */
  async inner(): Promise<Frame> {
    const handle = await this.page.locator("matricula-automations iframe").elementHandle();
    const frame = await handle?.contentFrame();
    if (!frame) throw new Error("there is no frame");
    return frame;
  }

  heading(name: string | RegExp): Locator {
    return this.frame.getByRole("heading", { name });
  }

  button(key: Key, values?: Record<string, string | number>): Locator {
    return this.frame.getByRole("button", { name: this.t(key, values), exact: true });
  }

  link(key: Key): Locator {
    return this.frame.getByRole("link", { name: this.t(key), exact: true });
  }

  dialog(): Locator {
    return this.frame.getByRole("dialog").or(this.frame.getByRole("alertdialog"));
  }

  /** Goes to one of the three places. */
  async go(place: "catalogue" | "automations" | "credentials"): Promise<void> {
    await this.frame.getByRole("navigation", { name: this.t("nav.label") }).getByRole("link", { name: this.t(`nav.${place}`) }).click();
    await this.calm();
  }

  /** The row of a flow in My Flows. */
  row(flow: "employees" | "certificates"): Locator {
    return this.frame.getByRole("row").filter({ has: this.frame.getByRole("link", { name: TEXTS[this.locale][flow] }) });
  }

  /** Fills in a credential's form by the names of its fields. */
  async fill(fields: Readonly<Record<string, string>>): Promise<void> {
    for (const [label, value] of Object.entries(fields)) {
      await this.frame.getByRole("textbox", { name: new RegExp(`^${label}( |$)`) }).fill(value);
    }
  }

  fillPersonio(secret: string = PERSONIO.client_secret): Promise<void> {
    const names = { en: ["Client ID", "Client secret"], de: ["Client-ID", "Client-Secret"] };
    const [id = "", key = ""] = names[this.locale];
    return this.fill({ [id]: PERSONIO.client_id, [key]: secret });
  }

  fillAcademy(): Promise<void> {
    const names = { en: ["SCIM URL", "SCIM token", "Client ID", "Client secret", "Client code"], de: ["SCIM-URL", "SCIM-Token", "Client-ID", "Client-Secret", "Client-Code"] };
    const values = [ACADEMY.scim_url, ACADEMY.scim_token, ACADEMY.client_id, ACADEMY.client_secret, ACADEMY.client_code];
    return this.fill(Object.fromEntries(names[this.locale].map((name, index) => [name, values[index] ?? ""])));
  }

  /** Nothing went wrong unseen, and nothing is kept in the browser. */
  async expectNoTrouble(): Promise<void> {
    expect(this.troubles).toEqual([]);
    expect(await this.page.context().cookies()).toEqual([]);
    expect(await (await this.inner()).evaluate(() => document.cookie)).toBe("");
  }
}
