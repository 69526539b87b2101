/** The overview: what runs now, what waits for a decision, how it stands, and the latest runs. */

import { itemsOf, useAutomationAction, useRuns } from "../../api/hooks";
import type { Automation } from "../../api/types";
import { Moment, useLanguage } from "../../i18n";
import { Link, paths } from "../../router/router";
import { useIsOwner } from "../../session/context";
import { Button, Empty, ErrorState, Facts, LinkButton, Notice, Progress, Sparkbars } from "../../ui";
import { Next } from "../automations";
import { CountsLine } from "./counts";
import { Documents } from "./Documents";
import type { Live } from "./live";
import { RunTable } from "./runTable";
import { Staged } from "./Staged";

const RECENT = 5;

export function Overview({ automation, live }: { automation: Automation; live: Live }) {
  const { t, cadence, formats } = useLanguage();
  const { data, error, isPending, refetch } = useRuns(automation.id);
  const runs = itemsOf(data).slice(0, RECENT);
  const { population, records } = automation;
  return (
    <>
      {automation.running && <LiveCard automation={automation} live={live} />}
      {automation.staged > 0 && <Staged automation={automation} />}
      {automation.doubtful > 0 && <Documents automation={automation} />}
      <section className="card overview-card">
        <Facts
          facts={[
            { name: t("overview.next"), value: <Next automation={automation} /> },
            { name: t("overview.schedule"), value: cadence(automation.schedule) },
            {
              name: t("overview.last.good"),
              value: automation.last_succeeded_at === null ? t("last.never") : <Moment at={automation.last_succeeded_at} />,
            },
            ...(records === "people"
              ? [
                  {
                    name: t("overview.linked"),
                    value: (
                      <>
                        {formats.number.format(population.linked)}
                        <span className="muted"> · {t("overview.active", { n: population.active })}</span>
                      </>
                    ),
                  },
                ]
              : []),
            { name: t("overview.version"), value: automation.version ?? "–" },
          ]}
        />
        <div className="overview-health">
          <div className="muted facts-name">{t("overview.health")}</div>
          <Sparkbars health={automation.health} wide />
        </div>
      </section>
      <section className="section">
        <div className="section-head recent-head">
          <h2>{t("overview.recent")}</h2>
          <div className="recent-deeds">
            <Again automation={automation} />
            {runs.length > 0 && (
              <Link to={paths.automation(automation.id, "runs")} className="small">
                {t("overview.recent.all")}
              </Link>
            )}
          </div>
        </div>
        {error !== null && data === undefined ? (
          <ErrorState small error={error} onRetry={() => void refetch()} />
        ) : !isPending && runs.length === 0 ? (
          <Empty icon="clock" title={t("overview.first")}>
            {t("overview.first.text")}
          </Empty>
        ) : (
          <RunTable automation={automation} runs={runs} loadingRows={isPending ? RECENT : 0} />
        )}
      </section>
    </>
  );
}

/** To try at once what failed, or to read everything once more. */
function Again({ automation }: { automation: Automation }) {
  const { t, error: explain } = useLanguage();
  const owner = useIsOwner();
  const action = useAutomationAction(automation.id);
  if (!owner || automation.state === "deactivated" || automation.state === "paused") return null;
  const failed = automation.last_run?.counts.failed ?? 0;
  const problem = action.error === null ? null : explain(action.error);
  return (
    <>
      {problem !== null && (
        <Notice tone="bad" title={problem.says}>
          {problem.advice}
        </Notice>
      )}
      {failed > 0 && (
        <Button size="sm" icon="refresh" isDisabled={automation.running || action.isPending} onPress={() => action.mutate({ action: "retry" })}>
          {t("do.retry")}
        </Button>
      )}
      <Button size="sm" look="quiet" isDisabled={automation.running || action.isPending} onPress={() => action.mutate({ action: "run", body: { full: true } })}>
        {t("do.run.full")}
      </Button>
    </>
  );
}

/** How far the present run is. */
export function LiveCard({ automation, live, bare = false }: { automation: Automation; live: Live; bare?: boolean }) {
  const { t, formats } = useLanguage();
  const { progress } = live;
  const phase = progress?.phase;
  const known = phase === "read" || phase === "leave" || phase === "deactivate" || phase === "refer" || phase === "group" ? phase : "read";
  const read = formats.number.format(progress?.read ?? 0);
  const total = progress?.total ?? null;
  return (
    <section className={bare ? "live" : "card live section-first"} aria-label={t("live.title")}>
      <div className="live-head">
        <div>
          <h2 className="live-title">{t(`live.phase.${known}`)}</h2>
          {progress !== null && (
            <span className="muted small">
              {total === null ? t("live.read", { read }) : t("live.read.of", { read, total: formats.number.format(total) })}
            </span>
          )}
        </div>
        {!bare && progress !== null && (
          <LinkButton size="sm" to={paths.run(automation.id, progress.run)}>
            {t("live.open")}
          </LinkButton>
        )}
      </div>
      <Progress label={t("live.title")} value={progress?.read ?? 0} total={known === "read" ? total : null} />
      {progress !== null && (
        <div className="small">
          <CountsLine counts={progress.counts} records={automation.records} />
        </div>
      )}
    </section>
  );
}
