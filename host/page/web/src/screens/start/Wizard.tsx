/** The steps, in an order that can be gone back: each has an address, so the browser's Back is the wizard's. */

import { useCallback, useEffect, useRef, useState } from "react";

import { part } from "../../api/client";
import type { Automation, Flow } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Link, navigate, pathOf, paths, queryOf, ScreenTitle, usePath } from "../../router/router";
import { useApi, useSession } from "../../session/context";
import { Button, Dialog, Icon, LinkButton, Pair } from "../../ui";
import { ConnectStep } from "./ConnectStep";
import { type Draft, draftOf, dropDraft, isReady, keepDraft, reachable, type Side, type Step, STEPS } from "./draft";
import { PreviewStep } from "./PreviewStep";
import { SettingsStep } from "./SettingsStep";
import "./start.css";

export function Wizard({ flow }: { flow: Flow }) {
  const { t, text } = useLanguage();
  const api = useApi();
  const session = useSession();
  const path = usePath();
  const [draft, setDraft] = useState<Draft>(() => draftOf(flow, session));
  const [touched, setTouched] = useState(false);
  const [started, setStarted] = useState<Automation | null>(null);
  const step = reachable(queryOf(path).get("step"), draft);
  const home = paths.start(flow.name);

  const change = useCallback(
    (part: Partial<Draft>) => {
      setTouched(true);
      setDraft((former) => {
        const next = { ...former, ...part };
        keepDraft(flow.name, next);
        return next;
      });
    },
    [flow.name],
  );
  const changeSource = useCallback((source: Side) => change({ source }), [change]);
  const changeTarget = useCallback((target: Side) => change({ target }), [change]);
  const go = (to: Step) => navigate(to === "source" ? home : `${home}?step=${to}`);

  const leave = (to: string) => {
    if (draft.plan !== null) void api.delete(`plans/${part(draft.plan.id)}`).catch(() => undefined);
    dropDraft(flow.name);
    setTouched(false);
    navigate(to);
  };

  if (started !== null) return <Done flow={flow} automation={started} />;
  const systems = [text(flow.source.title), text(flow.target.title)] as const;
  const titles: Record<Step, string> = { source: systems[0], target: systems[1], settings: t("start.step.settings"), preview: t(flow.activation === "tested" ? "start.step.test" : "start.step.preview") };
  return (
    <>
      <header className="start-head">
        <Link to={paths.catalogue()} className="start-up">
          <Icon name="arrow-left" size={14} /> {t("start.to-catalogue")}
        </Link>
        <div className="start-title">
          <Pair source={{ icon: flow.source.icon, title: systems[0] }} target={{ icon: flow.target.icon, title: systems[1] }} size={32} />
          <ScreenTitle title={text(flow.title)} />
        </div>
        <Stepper step={step} titles={titles} draft={draft} home={home} />
      </header>
      {step === "source" || step === "target" ? (
        <ConnectStep
          key={step}
          flow={flow}
          which={step}
          side={draft[step]}
          onChange={step === "source" ? changeSource : changeTarget}
          onBack={step === "source" ? null : () => go("source")}
          onNext={() => go(step === "source" ? "target" : "settings")}
        />
      ) : step === "settings" ? (
        <SettingsStep flow={flow} draft={draft} onChange={change} onBack={() => go("target")} onNext={() => go("preview")} />
      ) : (
        <PreviewStep
          flow={flow}
          draft={draft}
          onChange={change}
          onBack={() => go("settings")}
          onStarted={(automation) => {
            dropDraft(flow.name);
            setTouched(false);
            setStarted(automation);
          }}
        />
      )}
      <LeaveGuard active={touched} home={home} onLeave={leave} />
    </>
  );
}

function Stepper({ step, titles, draft, home }: { step: Step; titles: Record<Step, string>; draft: Draft; home: string }) {
  const { t } = useLanguage();
  const current = STEPS.indexOf(step);
  return (
    <nav aria-label={t("start.steps")}>
      <ol className="stepper">
        {STEPS.map((one, index) => {
          const done = index < current || (one === "source" && isReady(draft.source) && step !== one) || (one === "target" && isReady(draft.target) && step !== one);
          const open = one !== step && (one === "source" || reachable(one, draft) === one);
          const inside = (
            <>
              <span className="stepper-mark">{done ? <Icon name="check" size={12} /> : index + 1}</span>
              <span className="stepper-title">{titles[one]}</span>
              {done && <span className="visually-hidden">({t("start.step.done")})</span>}
            </>
          );
          return (
            <li key={one} className="stepper-step" data-done={done ? "" : undefined} aria-current={one === step ? "step" : undefined}>
              {open && index < current ? <Link to={index === 0 ? home : `${home}?step=${one}`}>{inside}</Link> : <span>{inside}</span>}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

/** Links that lead away ask first; so does closing the window. */
function LeaveGuard({ active, home, onLeave }: { active: boolean; home: string; onLeave: (to: string) => void }) {
  const { t } = useLanguage();
  const [to, setTo] = useState<string | null>(null);
  useEffect(() => {
    if (!active) return;
    const clicked = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
      if (link === null || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const path = pathOf(link.getAttribute("href") ?? "");
      if (path.split("?")[0] === home) return;
      event.preventDefault();
      event.stopPropagation();
      setTo(path);
    };
    const closing = (event: BeforeUnloadEvent) => event.preventDefault();
    document.addEventListener("click", clicked, true);
    addEventListener("beforeunload", closing);
    return () => {
      document.removeEventListener("click", clicked, true);
      removeEventListener("beforeunload", closing);
    };
  }, [active, home]);
  return (
    <Dialog
      isOpen={to !== null}
      onClose={() => setTo(null)}
      role="alertdialog"
      title={t("start.leave.title")}
      actions={
        <>
          <Button onPress={() => to !== null && onLeave(to)}>{t("start.leave")}</Button>
          <Button look="primary" autoFocus onPress={() => setTo(null)}>
            {t("start.stay")}
          </Button>
        </>
      }
    >
      {t("start.leave.text")}
    </Dialog>
  );
}

function Done({ flow, automation }: { flow: Flow; automation: Automation }) {
  const { t, text, cadence } = useLanguage();
  const heading = useRef<HTMLDivElement>(null);
  useEffect(() => heading.current?.querySelector("h1")?.focus(), []);
  const demand = automation.schedule.kind === "on-demand";
  return (
    <div className="done" ref={heading}>
      <span className="done-mark">
        <Icon name="check" size={24} />
      </span>
      <ScreenTitle title={t("start.done", { flow: text(flow.title) })} />
      <p>{demand ? t("start.done.text.demand") : t("start.done.text", { cadence: cadence(automation.schedule) })}</p>
      <div className="done-actions">
        <LinkButton to={paths.automation(automation.id)} look="primary">
          {t("start.done.show")}
        </LinkButton>
        <LinkButton to={paths.catalogue()}>{t("start.done.catalogue")}</LinkButton>
      </div>
    </div>
  );
}
