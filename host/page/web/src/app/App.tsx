/** From nothing to a screen: sign in, load the language, then whatever the address names. */

import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { Component, type ComponentType, type ReactNode, Suspense, useEffect, useMemo, useState } from "react";
import { I18nProvider } from "react-aria-components/I18nProvider";

import { ApiProblem } from "../api/problem";
import type { Session } from "../api/types";
import { Language, LanguageContext, loadLanguage, useLanguage } from "../i18n";
import { MovesProvider, navigate, parse, paths, pathOf, type Route, ScreenTitle, usePath } from "../router/router";
import { SessionContext, SurroundingsContext, useSurroundings } from "../session/context";
import type { Surroundings } from "../session/start";
import { NoSession } from "../session/tokens";
import { Button, Empty, ErrorState, LinkButton, Loading, Skeleton } from "../ui";
import { ahead, lazily, NotLoaded } from "./lazily";
import { Shell } from "./Shell";

/** A screen is the default export of `screens/<name>/index.tsx`. */
const files = import.meta.glob<{ default: ComponentType<Record<string, unknown>> }>("../screens/*/index.tsx");
const screens = Object.fromEntries(
  Object.entries(files).map(([path, load]) => [path.split("/").at(-2) ?? "", lazily(load)]),
);

export function App({ surroundings, queries }: { surroundings: Surroundings; queries: QueryClient }) {
  return (
    <SurroundingsContext value={surroundings}>
      <QueryClientProvider client={queries}>
        <SignedIn />
      </QueryClientProvider>
    </SurroundingsContext>
  );
}

type State =
  | { step: "loading" }
  | { step: "failed"; error: unknown; language: Language }
  | { step: "ready"; session: Session; language: Language };

function SignedIn() {
  const { api, bridge, tell } = useSurroundings();
  const [state, setState] = useState<State>({ step: "loading" });
  const [attempt, setAttempt] = useState(0);
  const [locale, setLocale] = useState<string | null>(null);
  const [overrides, setOverrides] = useState<Record<string, string>>({});

  useEffect(() => {
    bridge?.on("locale", (message) => setLocale(message.locale));
    bridge?.on("phrases", (message) => setOverrides(message.phrases));
    bridge?.on("screen", (message) => navigate(message.path));
    bridge?.say({ type: "ready" });
  }, [bridge]);

  useEffect(() => {
    let current = true;
    void (async () => {
      let session: Session | null = null;
      let failure: unknown;
      try {
        session = await api.get<Session>("session");
      } catch (error) {
        failure = error;
      }
      const language = await loadLanguage(locale ?? session?.locale ?? navigator.language, overrides);
      if (!current) return;
      document.documentElement.lang = language.locale;
      if (session !== null) setState({ step: "ready", session, language });
      else {
        setState({ step: "failed", error: failure, language });
        tell("session-error", { reason: failure instanceof NoSession ? failure.reason : failure instanceof ApiProblem ? failure.code : "no-answer" });
      }
    })();
    return () => {
      current = false;
    };
  }, [api, attempt, locale, overrides, tell]);

  if (state.step === "loading") {
    return (
      <div className="shell" aria-busy="true">
        <div className="nav">
          <ul className="nav-outline" aria-hidden="true">
            {[0, 1, 2].map((index) => (
              <li key={index} className="nav-link">
                <span />
              </li>
            ))}
          </ul>
        </div>
      </div>
    );
  }
  return (
    <LanguageContext value={state.language}>
      <I18nProvider locale={state.language.formats.locale}>
        {state.step === "failed" ? (
          <NoEntry error={state.error} onRetry={() => setAttempt(attempt + 1)} />
        ) : (
          <SessionContext value={state.session}>
            <Screens />
          </SessionContext>
        )}
      </I18nProvider>
    </LanguageContext>
  );
}

function NoEntry({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const { t } = useLanguage();
  const { embedded } = useSurroundings();
  if (!(error instanceof NoSession) && !(error instanceof ApiProblem && error.status === 401)) {
    return (
      <main className="whole">
        <ErrorState error={error} onRetry={onRetry} />
      </main>
    );
  }
  const reason = error instanceof NoSession ? error.reason : "refused";
  return (
    <main className="whole">
      <Empty
        icon="key"
        title={<h1>{t(`session.${reason}`)}</h1>}
        action={
          embedded && (
            <Button icon="refresh" onPress={onRetry}>
              {t("action.retry")}
            </Button>
          )
        }
      >
        {t(`session.${reason}.text`)}
        {error instanceof ApiProblem && <div className="error-code">{t("error.code", { code: error.code })}</div>}
      </Empty>
    </main>
  );
}

function Screens() {
  const path = usePath();
  const { bridge } = useSurroundings();
  const route = useMemo(() => parse(path), [path]);
  // The next screen is there at once then, and also without a network.
  useEffect(() => ahead(Object.values(files)), []);
  useEffect(() => {
    if (pathOf(location.hash) === "/") navigate(paths.automations(), { replace: true });
    else bridge?.say({ type: "screen", path });
  }, [bridge, path]);
  const place = route.screen === "automation" ? `automation ${route.id}` : route.screen === "start" ? `start ${route.flow}` : route.screen;
  return (
    <MovesProvider screen={place}>
      <Shell route={route}>
        <Boundary key={place}>
          <Suspense fallback={<Outline />}>
            <Screen route={route} />
          </Suspense>
        </Boundary>
      </Shell>
    </MovesProvider>
  );
}

function Screen({ route }: { route: Route }) {
  const { screen, ...props } = route;
  const Known = screens[screen];
  return Known === undefined ? <Unknown /> : <Known {...props} />;
}

/** While a screen's code is on its way. */
function Outline() {
  return (
    <Loading>
      <Skeleton lines={[24]} height={24} />
      <div className="section">
        <Skeleton lines={[100, 100, 100, 100]} height={44} />
      </div>
    </Loading>
  );
}

function Unknown() {
  const { t } = useLanguage();
  return (
    <Empty
      icon="search"
      title={<ScreenTitle title={t("unknown.screen")} />}
      action={<LinkButton to={paths.automations()}>{t("unknown.screen.action")}</LinkButton>}
    >
      {t("unknown.screen.text")}
    </Empty>
  );
}

/** A screen that breaks takes nothing else with it. */
class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return error instanceof NotLoaded ? <Missing /> : <Broken error={error} />;
  }
}

/** The screen's code did not come. */
function Missing() {
  const { t } = useLanguage();
  useEffect(() => {
    const reload = () => location.reload();
    addEventListener("online", reload);
    return () => removeEventListener("online", reload);
  }, []);
  return (
    <Empty
      icon="cloud-off"
      title={<ScreenTitle title={t("unreachable")} />}
      action={
        <Button icon="refresh" onPress={() => location.reload()}>
          {t("action.retry")}
        </Button>
      }
    >
      {t("unreachable.text")}
    </Empty>
  );
}

function Broken({ error }: { error: Error }) {
  const { t } = useLanguage();
  return (
    <Empty
      icon="alert-circle"
      title={<ScreenTitle title={t("error.crash")} />}
      action={
        <Button icon="refresh" onPress={() => location.reload()}>
          {t("action.reload")}
        </Button>
      }
    >
      {t("error.crash.text")}
      <div className="error-code">{error.message}</div>
    </Empty>
  );
}
