/** What is around every screen: where one can go, and that one is offline. */

import { type ReactNode, useSyncExternalStore } from "react";

import { useLanguage, type Key } from "../i18n";
import { Link, paths, type Route } from "../router/router";
import { Icon } from "../ui";
import "./shell.css";

const places: { screen: Route["screen"][]; title: Key; to: string }[] = [
  { screen: ["catalogue", "start"], title: "nav.catalogue", to: paths.catalogue() },
  { screen: ["automations", "automation"], title: "nav.automations", to: paths.automations() },
  { screen: ["credentials"], title: "nav.credentials", to: paths.credentials() },
];

function subscribe(changed: () => void): () => void {
  addEventListener("online", changed);
  addEventListener("offline", changed);
  return () => {
    removeEventListener("online", changed);
    removeEventListener("offline", changed);
  };
}

export function useOnline(): boolean {
  return useSyncExternalStore(subscribe, () => navigator.onLine);
}

export function Shell({ route, children }: { route: Route; children: ReactNode }) {
  const { t } = useLanguage();
  const online = useOnline();
  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => document.querySelector<HTMLElement>("main h1, main")?.focus()}>
        {t("skip")}
      </button>
      <nav className="nav" aria-label={t("nav.label")}>
        <ul>
          {places.map((place) => (
            <li key={place.to}>
              <Link to={place.to} className="nav-link" aria-current={place.screen.includes(route.screen) ? "page" : undefined}>
                {t(place.title)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      {!online && (
        <div className="offline" role="status">
          <Icon name="cloud-off" />
          {t("offline")}
        </div>
      )}
      <main tabIndex={-1}>{children}</main>
    </div>
  );
}
