/** Runs as rows. */

import type { Automation, Run, Trigger } from "../../api/types";
import { Moment, useLanguage, useNow } from "../../i18n";
import { Link, navigate, paths } from "../../router/router";
import { Avatar, type Column, Icon, RunStatusMark, Table } from "../../ui";
import { CountsLine } from "./counts";

export function TriggeredBy({ trigger }: { trigger: Trigger }) {
  const { t } = useLanguage();
  if (trigger.kind === "manual") {
    return (
      <span className="triggered">
        <Avatar name={trigger.by.name} picture={trigger.by.picture ?? null} />
        <span>{trigger.by.name}</span>
      </span>
    );
  }
  return (
    <span className="triggered muted">
      <span className="triggered-icon">
        <Icon name={trigger.kind === "schedule" ? "clock" : "bolt"} size={14} />
      </span>
      <span>{t(`trigger.${trigger.kind}`)}</span>
    </span>
  );
}

/** How long a run took, or has taken so far. */
export function Took({ run, now }: { run: Run; now: Date }) {
  const { formats } = useLanguage();
  const end = run.finished_at === null ? now : new Date(run.finished_at);
  return <>{formats.duration(end.getTime() - new Date(run.started_at).getTime())}</>;
}

export function RunTable({ automation, runs, selected, loadingRows = 0 }: { automation: Automation; runs: readonly Run[]; selected?: number; loadingRows?: number }) {
  const { t, failure, formats } = useLanguage();
  const now = useNow();
  const columns: Column<Run>[] = [
    {
      id: "at",
      title: t("runs.at"),
      card: "heading",
      cell: (run) => (
        <span className="run-when">
          <Link to={paths.run(automation.id, run.id)} className="run-at" aria-label={t("runs.open", { id: String(run.id), when: formats.moment(run.started_at) })}>
            <Moment at={run.started_at} relative={false} />
          </Link>
          {run.cycle === "full" && (
            <span className="tag" title={t("run.cycle.full")}>
              {t("runs.full")}
            </span>
          )}
        </span>
      ),
    },
    { id: "by", title: t("runs.by"), cell: (run) => <TriggeredBy trigger={run.trigger} /> },
    { id: "status", title: t("runs.status"), card: "side", cell: (run) => <RunStatusMark status={run.status} /> },
    { id: "duration", title: t("runs.duration"), align: "end", cell: (run) => <span className="nowrap">{run.finished_at === null ? "–" : <Took run={run} now={now} />}</span> },
    {
      id: "changes",
      title: t("runs.changes"),
      cell: (run) =>
        run.error !== null ? (
          <span className="run-error">{failure(run.error).says}</span>
        ) : (
          <CountsLine counts={run.counts} records={automation.records} />
        ),
    },
  ];
  return (
    <Table
      label={t("runs.title")}
      columns={columns}
      rows={runs}
      keyOf={(run) => run.id}
      onRow={(run) => navigate(paths.run(automation.id, run.id))}
      isSelected={(run) => run.id === selected}
      loadingRows={loadingRows}
    />
  );
}
