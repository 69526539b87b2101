/** The overview: what runs now, what waits for a decision, how it stands, and the latest runs. */

import { itemsOf, useRuns } from "../../api/hooks";
import type { Automation } from "../../api/types";
import { Moment, useLanguage } from "../../i18n";
import { Link, paths } from "../../router/router";
import { Empty, ErrorState, Facts, LinkButton, Progress, Sparkbars } from "../../ui";
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
            {
              name: t(`overview.linked.${records}`),
              value: (
                <>
                  {formats.number.format(population.linked)}
                  {records === "people" && <span className="muted"> · {t("overview.active", { n: population.active })}</span>}
                </>
              ),
            },
          ]}
        />
        <div className="overview-health">
          <div className="muted facts-name">{t("overview.health")}</div>
          <Sparkbars health={automation.health} wide />
        </div>
      </section>
      <section className="section">
        <div className="section-head">
          <h2>{t("overview.recent")}</h2>
          {runs.length > 0 && (
            <Link to={paths.automation(automation.id, "runs")} className="small">
              {t("overview.recent.all")}
            </Link>
          )}
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

/** How far the present run is. */
export function LiveCard({ automation, live, bare = false }: { automation: Automation; live: Live; bare?: boolean }) {
  const { t, formats } = useLanguage();
  const { progress } = live;
  const phase = progress?.phase;
  const known = phase === "read" || phase === "leave" || phase === "deactivate" || phase === "refer" ? phase : "read";
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
