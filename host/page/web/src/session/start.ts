/** What there is before anything is shown: whether the page is in a vendor's, tokens, theme and the API. */

import { Api } from "../api/client";
import { Theme } from "../theme/theme";
import { Bridge, type EventName, hostOrigin } from "./bridge";
import { Frame } from "./frame";
import { HostTokens, LocalTokens } from "./tokens";

export interface Surroundings {
  api: Api;
  theme: Theme;
  frame: Frame;
  /** Null for somebody alone. */
  bridge: Bridge | null;
  embedded: boolean;
  /** Tells the vendor's page that something has happened. */
  tell(name: EventName, detail?: Record<string, unknown>): void;
}

const SIGN_IN = /^#sign-in=([^&]+)/;

export function surroundings(own: Window, content: HTMLElement): Surroundings {
  const base = new URL("../api/v1/", own.document.baseURI.split("#")[0]?.split("?")[0]);
  const theme = new Theme(own.document.documentElement);
  const origin = own.parent === own ? null : hostOrigin(own.location.search);
  if (origin !== null) {
    own.document.documentElement.dataset["embedded"] = "";
    const bridge = new Bridge(own, own.parent, origin);
    bridge.on("theme", ({ scheme, variables }) => theme.set(scheme, variables));
    return {
      api: new Api(base, new HostTokens(bridge)),
      theme,
      frame: new Frame(bridge, content),
      bridge,
      embedded: true,
      tell: (name, detail = {}) => bridge.say({ type: "event", name, detail }),
    };
  }
  const code = SIGN_IN.exec(own.location.hash)?.[1] ?? null;
  // The code is good once; it has no business in the history.
  if (code !== null) own.history.replaceState(null, "", `${own.location.pathname}${own.location.search}#/automations`);
  return {
    api: new Api(base, new LocalTokens(base, code === null ? null : decodeURIComponent(code), own.sessionStorage)),
    theme,
    frame: new Frame(null, content),
    bridge: null,
    embedded: false,
    tell: () => undefined,
  };
}
