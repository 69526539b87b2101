/** One automation: how it stands, what can be done, and its parts under tabs of their own. */

import { Suspense, useMemo, useState } from "react";

import { useAutomation, useAutomationAction } from "../../api/hooks";
import { ApiProblem } from "../../api/problem";
import type { Automation } from "../../api/types";
import { lazily } from "../../app/lazily";
import { useLanguage } from "../../i18n";
import { AUTOMATION_TABS, type AutomationTab, Link, paths, ScreenTitle } from "../../router/router";
import { useIsOwner } from "../../session/context";
import { Button, Empty, ErrorState, Icon, LinkButton, Loading, NavTabs, Notice, Pair, Skeleton, StateMark } from "../../ui";
import { Attention } from "../automations/attention";
import { type Asked, LifecycleConfirm } from "../automations/deeds";
import { useTellPaused } from "../automations/useTellPaused";
import "../automations/automations.css";
import { Access } from "./Access";
import "./automation.css";
import { History } from "./History";
import { useLive } from "./live";
import { Overview } from "./Overview";
import { RunSheet } from "./RunSheet";
import { Runs } from "./Runs";

/** Forms bring drop-downs with search along; whoever only looks does not wait for them. */
const loadSettings = async () => ({ default: (await import("./SettingsTab")).SettingsTab });
const SettingsTab = lazily(loadSettings);

export default function AutomationScreen({ id, tab, run }: { id: string; tab: AutomationTab; run?: number }) {
  const { t } = useLanguage();
  const { data, error, isPending, refetch } = useAutomation(id);
  const live = useLive(id);
  useTellPaused(useMemo(() => (data === undefined ? [] : [data.value]), [data]));
  if (isPending) return <Outline />;
  if (data === undefined) {
    if (error instanceof ApiProblem && error.status === 404) return <Gone />;
    return <ErrorState error={error} onRetry={() => void refetch()} />;
  }
  const automation = data.value;
  return (
    <>
      <Head automation={automation} />
      <Attention automation={automation} isOverview={tab === "overview"} />
      <NavTabs
        label={t("tab.label")}
        current={tab}
        tabs={AUTOMATION_TABS.map((one) => ({ id: one, to: paths.automation(id, one), title: t(`tab.${one}`) }))}
      />
      <div className="tab-panel">
        {tab === "overview" && <Overview automation={automation} live={live} />}
        {tab === "runs" && <Runs automation={automation} {...(run === undefined ? {} : { selected: run })} />}
        {tab === "settings" && (
          <Suspense fallback={<Skeleton lines={[30, 100, 100]} height={28} />}>
            <SettingsTab key={id} automation={automation} etag={data.etag} />
          </Suspense>
        )}
        {tab === "credentials" && <Access automation={automation} etag={data.etag} />}
        {tab === "history" && <History automation={automation} />}
      </div>
      <RunSheet automation={automation} live={live} {...(run === undefined ? {} : { id: run })} />
    </>
  );
}

function Head({ automation }: { automation: Automation }) {
  const { t, text, error: explain } = useLanguage();
  const owner = useIsOwner();
  const [asked, setAsked] = useState<Asked | null>(null);
  const action = useAutomationAction(automation.id);
  const { source, target, state } = automation;
  const problem = action.error === null ? null : explain(action.error);
  return (
    <>
      <Link to={paths.automations()} className="back">
        <Icon name="chevron-left" size={14} />
        {t("nav.automations")}
      </Link>
      <header className="screen-head">
        <div className="screen-head-text">
          <div className="automation-title">
            <ScreenTitle title={text(automation.title)} />
            <StateMark state={state} running={automation.running} pill />
          </div>
          <div className="automation-pair">
            <Pair source={{ icon: source.icon, title: text(source.title) }} target={{ icon: target.icon, title: text(target.title) }} size={20} />
            <span className="muted small">
              {source.name} → {target.name}
            </span>
          </div>
        </div>
        {owner && (
          <div className="screen-actions">
            {state === "deactivated" ? (
              <Button look="primary" icon="power" onPress={() => setAsked("reactivate")}>
                {t("do.reactivate")}
              </Button>
            ) : (
              <>
                <Button icon="power" look="quiet" onPress={() => setAsked("deactivate")}>
                  {t("do.deactivate")}
                </Button>
                <Button
                  look={state === "active" && automation.staged === 0 && automation.doubtful === 0 ? "primary" : "plain"}
                  icon="play"
                  isPending={action.isPending}
                  isDisabled={automation.running || state === "paused"}
                  onPress={() => action.mutate({ action: "run" })}
                >
                  {automation.running ? t("do.running") : t("do.run")}
                </Button>
              </>
            )}
          </div>
        )}
      </header>
      {problem !== null && (
        <div className="attention">
          <Notice tone="bad" title={problem.says}>
            {problem.advice}
          </Notice>
        </div>
      )}
      <LifecycleConfirm automation={automation} asked={asked} onClose={() => setAsked(null)} />
    </>
  );
}

function Gone() {
  const { t, problem } = useLanguage();
  const meaning = problem("automation.unknown");
  return (
    <Empty icon="search" title={<ScreenTitle title={meaning?.says ?? t("unknown.screen")} />} action={<LinkButton to={paths.automations()}>{t("unknown.screen.action")}</LinkButton>}>
      {meaning?.advice}
    </Empty>
  );
}

function Outline() {
  return (
    <Loading>
      <div className="stack">
        <Skeleton lines={[12]} />
        <Skeleton lines={[40]} height={24} />
        <Skeleton lines={[22]} />
        <div className="section">
          <Skeleton lines={[100]} height={120} />
        </div>
      </div>
    </Loading>
  );
}
