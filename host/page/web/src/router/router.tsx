/**
 * Screens by address, after the `#`: the page is one document whatever a vendor's server does with paths. After a
 * navigation the focus is on the new screen's heading, as it is after a page load.
 */

import { createContext, type AnchorHTMLAttributes, type ReactNode, useContext, useEffect, useRef, useSyncExternalStore } from "react";

export type Route =
  | { screen: "catalogue" }
  | { screen: "start"; flow: string }
  | { screen: "automations" }
  | { screen: "automation"; id: string; tab: AutomationTab; run?: number }
  | { screen: "credentials" }
  | { screen: "unknown" };

export const AUTOMATION_TABS = ["overview", "runs", "settings", "credentials", "history"] as const;
export type AutomationTab = (typeof AUTOMATION_TABS)[number];

const isTab = (text: string): text is AutomationTab => (AUTOMATION_TABS as readonly string[]).includes(text);

/** The path in an address's fragment, with its query: `/automations/a1/runs?status=failed`. */
export function pathOf(hash: string): string {
  const path = hash.replace(/^#/, "");
  return path.startsWith("/") ? path : "/";
}

export function parse(path: string): Route {
  let parts: string[];
  try {
    parts = (path.split("?")[0] ?? "").split("/").filter((part) => part !== "").map(decodeURIComponent);
  } catch {
    return { screen: "unknown" };
  }
  const [first, second, third, fourth] = parts;
  if (parts.length > 4) return { screen: "unknown" };
  if (first === undefined) return { screen: "automations" };
  if (first === "catalogue" && second === undefined) return { screen: "catalogue" };
  if (first === "credentials" && second === undefined) return { screen: "credentials" };
  if (first === "start" && second !== undefined && third === undefined) return { screen: "start", flow: second };
  if (first !== "automations") return { screen: "unknown" };
  if (second === undefined) return { screen: "automations" };
  if (third === undefined) return { screen: "automation", id: second, tab: "overview" };
  if (!isTab(third) || third === "overview") return { screen: "unknown" };
  if (fourth === undefined) return { screen: "automation", id: second, tab: third };
  const run = Number(fourth);
  if (third !== "runs" || !Number.isSafeInteger(run) || run < 0) return { screen: "unknown" };
  return { screen: "automation", id: second, tab: "runs", run };
}

export const paths = {
  catalogue: () => "/catalogue",
  start: (flow: string) => `/start/${encodeURIComponent(flow)}`,
  automations: () => "/automations",
  automation: (id: string, tab: AutomationTab = "overview") =>
    `/automations/${encodeURIComponent(id)}${tab === "overview" ? "" : `/${tab}`}`,
  run: (id: string, run: number) => `/automations/${encodeURIComponent(id)}/runs/${run}`,
  credentials: () => "/credentials",
};

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** The address's path at this moment. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => pathOf(location.hash));
}

export function navigate(path: string, { replace = false } = {}): void {
  if (pathOf(location.hash) === path) return;
  if (replace) {
    history.replaceState(null, "", `#${path}`);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = path;
  }
}

/** The address's query after the `#`. */
export function queryOf(path: string): URLSearchParams {
  return new URLSearchParams(path.split("?")[1] ?? "");
}

export function Link({ to, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href">) {
  return <a href={`#${to}`} {...rest} />;
}

interface Moves {
  /** How many navigations there have been; the first screen takes no focus. */
  moves: number;
}

const MovesContext = createContext<Moves>({ moves: 0 });

export function MovesProvider({ screen, children }: { screen: string; children: ReactNode }) {
  const last = useRef(screen);
  const moves = useRef(0);
  if (last.current !== screen) {
    last.current = screen;
    moves.current += 1;
  }
  return <MovesContext value={{ moves: moves.current }}>{children}</MovesContext>;
}

/** A screen's heading: gives the document its title, and takes the focus after a navigation. */
export function ScreenTitle({ children, title, id }: { children?: ReactNode; title: string; id?: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const { moves } = useContext(MovesContext);
  useEffect(() => {
    document.title = title;
  }, [title]);
  useEffect(() => {
    if (moves > 0) heading.current?.focus({ preventScroll: false });
  }, [moves]);
  return (
    <h1 ref={heading} tabIndex={-1} id={id}>
      {children ?? title}
    </h1>
  );
}
