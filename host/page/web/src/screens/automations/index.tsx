/** My Flows: what needs somebody first, then everything that runs, at a glance. */

import { useState } from "react";

import { useAutomations } from "../../api/hooks";
import type { Automation } from "../../api/types";
import { Moment, useLanguage, useNow } from "../../i18n";
import { Link, paths, ScreenTitle } from "../../router/router";
import { useIsOwner } from "../../session/context";
import { type Column, Empty, ErrorState, LinkButton, Loading, Notice, Pair, RunStatusMark, Skeleton, Sparkbars, StateMark, Table } from "../../ui";
import { AttentionList, needsSomebody } from "./attention";
import "./automations.css";
import { RowDeeds } from "./deeds";
import { useTellPaused } from "./useTellPaused";

export default function Automations() {
  const { t, error: explain } = useLanguage();
  const owner = useIsOwner();
  const { data, error, isPending, refetch } = useAutomations();
  const [problem, setProblem] = useState<unknown>(null);
  useTellPaused(data ?? []);
  const columns = useColumns(setProblem);
  const waiting = data?.filter(needsSomebody) ?? [];
  const explained = problem === null ? null : explain(problem);
  return (
    <>
      <header className="screen-head">
        <div className="screen-head-text">
          <ScreenTitle title={t("flows.title")} />
          {data !== undefined && data.length > 0 && (
            <p>
              {t("flows.count", { n: data.length })}
              {" · "}
              {waiting.length > 0 ? t("flows.waiting", { n: waiting.length }) : t("flows.fine")}
            </p>
          )}
        </div>
        {owner && data !== undefined && data.length > 0 && (
          <div className="screen-actions">
            <LinkButton to={paths.catalogue()} look={waiting.length > 0 ? "plain" : "primary"} icon="plus">
              {t("flows.add")}
            </LinkButton>
          </div>
        )}
      </header>
      {explained !== null && (
        <div className="attention">
          <Notice tone="bad" title={explained.says}>
            {explained.advice}
          </Notice>
        </div>
      )}
      {isPending ? (
        <Outline />
      ) : error !== null && data === undefined ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : data.length === 0 ? (
        <Empty
          icon="bolt"
          title={t("flows.empty")}
          action={owner && <LinkButton look="primary" to={paths.catalogue()}>{t("flows.empty.action")}</LinkButton>}
        >
          {t(owner ? "flows.empty.text" : "flows.empty.viewer")}
        </Empty>
      ) : (
        <>
          {waiting.length > 0 && <AttentionList automations={waiting} />}
          <Table label={t("flows.all")} columns={columns.filter((column) => owner || column.id !== "actions")} rows={data} keyOf={(one) => one.id} onRow={(one) => (location.hash = paths.automation(one.id))} />
        </>
      )}
    </>
  );
}

function useColumns(onProblem: (error: unknown) => void): Column<Automation>[] {
  const { t, text } = useLanguage();
  return [
    { id: "flow", title: t("column.flow"), card: "heading", width: "34%", cell: (one) => <FlowCell automation={one} /> },
    { id: "state", title: t("column.state"), card: "side", cell: (one) => <StateMark state={one.state} running={one.running} /> },
    {
      id: "last",
      title: t("column.last"),
      cell: (one) =>
        one.last_run === null ? (
          <span className="muted">{t("last.never")}</span>
        ) : (
          <Link to={paths.run(one.id, one.last_run.id)} className="last-run">
            <RunStatusMark status={one.last_run.status} />
            <span className="muted">
              <Moment at={one.last_run.started_at} />
            </span>
          </Link>
        ),
    },
    { id: "next", title: t("column.next"), cell: (one) => <Next automation={one} /> },
    { id: "health", title: t("column.health"), cell: (one) => <Sparkbars health={one.health} /> },
    {
      id: "linked",
      title: t("column.linked"),
      align: "end",
      // What was delivered is linked to nothing.
      cell: (one) => (one.records === "documents" ? <span className="muted">–</span> : <span className="nowrap">{t("records.people", { n: one.population.linked })}</span>),
    },
    { id: "actions", title: t("column.actions"), hideTitle: true, align: "end", cell: (one) => <RowDeeds key={text(one.title)} automation={one} onProblem={onProblem} /> },
  ];
}

function FlowCell({ automation }: { automation: Automation }) {
  const { text } = useLanguage();
  const { source, target } = automation;
  return (
    <div className="flow-cell">
      <Pair source={{ icon: source.icon, title: text(source.title) }} target={{ icon: target.icon, title: text(target.title) }} size={24} />
      <div className="flow-names">
        <Link to={paths.automation(automation.id)} className="flow-title">
          {text(automation.title)}
        </Link>
        <div className="muted flow-sub">
          {source.name} → {target.name}
        </div>
      </div>
    </div>
  );
}

/** When it runs next, in words. */
export function Next({ automation }: { automation: Automation }) {
  const { t, formats, cadence } = useLanguage();
  const now = useNow();
  const { next_run_at: next, state } = automation;
  if (state === "deactivated") return <span className="muted">{t("next.never")}</span>;
  if (next === null) return <span className="muted">{cadence(automation.schedule)}</span>;
  if (new Date(next) <= now) return automation.running ? <span className="muted">{t("next.never")}</span> : <>{t("next.due")}</>;
  const when = formats.relative(next, now);
  return <span className="nowrap" title={formats.exact(next)}>{state === "paused" ? t("next.retry", { when }) : when}</span>;
}

function Outline() {
  return (
    <Loading>
      <div className="table-frame outline-rows">
        {[0, 1, 2].map((row) => (
          <Skeleton key={row} lines={[38, 22]} />
        ))}
      </div>
    </Loading>
  );
}
