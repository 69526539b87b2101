/** One run at the side: how it went, and what became of everybody. */

import { useEffect, useState } from "react";

import { useRun } from "../../api/hooks";
import { ApiProblem } from "../../api/problem";
import type { Automation, OutcomeKind, Run } from "../../api/types";
import { Moment, useLanguage, useNow } from "../../i18n";
import { sentence } from "../../i18n/language";
import { navigate, paths } from "../../router/router";
import { useApi } from "../../session/context";
import { Button, Detail, Empty, ErrorState, Facts, Loading, Notice, RunStatusMark, Segments, Sheet, Skeleton } from "../../ui";
import { KINDS } from "./counts";
import type { Live } from "./live";
import { LiveCard } from "./Overview";
import { Records } from "./Records";
import { Took, TriggeredBy } from "./runTable";

export function RunSheet({ automation, id, live }: { automation: Automation; id?: number; live: Live }) {
  const { t } = useLanguage();
  // While it slides away it shows what it showed.
  const [shown, setShown] = useState(id);
  useEffect(() => {
    if (id !== undefined) setShown(id);
  }, [id]);
  return (
    <Sheet
      isOpen={id !== undefined}
      onClose={() => navigate(paths.automation(automation.id, "runs"))}
      title={t("run.title", { id: String(id ?? shown ?? "") })}
      actions={shown !== undefined && <Download run={shown} />}
      ownScroll
    >
      {shown !== undefined && <Content key={shown} automation={automation} id={shown} live={live} />}
    </Sheet>
  );
}

function Content({ automation, id, live }: { automation: Automation; id: number; live: Live }) {
  const { t } = useLanguage();
  const { data: run, error, refetch } = useRun(id, true);
  if (run !== undefined) return <Loaded automation={automation} run={run} live={live} />;
  return (
    <div className="run-head">
      {error === null ? (
        <Loading>
          <Skeleton lines={[40, 60, 30]} />
        </Loading>
      ) : error instanceof ApiProblem && error.status === 404 ? (
        <Empty small icon="search" title={t("run.gone")}>
          {t("run.gone.text")}
        </Empty>
      ) : (
        <ErrorState small error={error} onRetry={() => void refetch()} />
      )}
    </div>
  );
}

type Filter = "all" | OutcomeKind;

function Loaded({ automation, run, live }: { automation: Automation; run: Run; live: Live }) {
  const { t, text, kind, failure, formats } = useLanguage();
  const [filter, setFilter] = useState<Filter>("all");
  const running = run.status === "running";
  const now = useNow(running ? 1 : 60);
  const explained = run.error === null ? null : failure(run.error);
  const counts = running && live.progress?.run === run.id ? live.progress.counts : run.counts;
  const present = KINDS.filter((one) => counts[one] > 0);
  const all = present.reduce((sum, one) => sum + counts[one], 0);
  const head = (
    <div className="run-head">
      <Facts
        facts={[
          { name: t("runs.status"), value: <RunStatusMark status={run.status} /> },
          { name: t("runs.at"), value: <Moment at={run.started_at} relative={false} /> },
          { name: t("runs.by"), value: <TriggeredBy trigger={run.trigger} /> },
          { name: t("run.duration"), value: <Took run={run} now={now} /> },
          { name: t("run.cycle"), value: t(run.cycle === "full" ? "run.cycle.full" : "run.cycle.incremental") },
          {
            name: t("run.requests"),
            value: t("run.requests.of", {
              source: run.requests.source,
              target: run.requests.target,
              sourceName: text(automation.source.title),
              targetName: text(automation.target.title),
            }),
          },
        ]}
      />
      {running && live.progress?.run === run.id && <LiveCard automation={automation} live={live} bare />}
      {explained !== null && (
        <Notice tone="bad" title={explained.says}>
          {explained.advice !== null && <div>{explained.advice}</div>}
          <Detail of={explained} />
        </Notice>
      )}
      {run.notes.length > 0 && (
        <Notice title={t("run.notes")}>
          {run.notes.map(text).map((note) => (
            <div key={note}>{sentence(note)}</div>
          ))}
        </Notice>
      )}
      {(present.length > 0 || counts.unchanged > 0) && (
        <div className="run-filter">
          {present.length > 0 && (
            <Segments<Filter>
              label={t("run.filter")}
              value={filter}
              onChange={setFilter}
              choices={[
                { value: "all", label: t("runs.all"), count: formats.number.format(all) },
                ...present.map((one) => ({ value: one, label: kind(automation.records, one), count: formats.number.format(counts[one]) })),
              ]}
            />
          )}
          {counts.unchanged > 0 && <span className="muted small">{t("run.unchanged", { n: counts.unchanged })}</span>}
        </div>
      )}
    </div>
  );
  return <Records key={filter} automation={automation} run={run} kinds={filter === "all" ? [] : [filter]} head={head} />;
}

/** The file is fetched, as the token is a header, and then handed to the browser. */
function Download({ run }: { run: number }) {
  const { t, error: explain } = useLanguage();
  const api = useApi();
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const download = async () => {
    setPending(true);
    setProblem(null);
    try {
      const response = await api.send("GET", `runs/${run}/records.csv`, undefined, {}, "text/csv");
      const address = URL.createObjectURL(await response.blob());
      const link = document.createElement("a");
      link.href = address;
      link.download = `run-${run}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
    } catch (error) {
      setProblem(explain(error).says);
    } finally {
      setPending(false);
    }
  };
  return (
    <div className="run-download">
      <Button size="sm" icon="download" isPending={pending} onPress={() => void download()}>
        {t("run.csv")}
      </Button>
      {problem !== null && (
        <span role="alert" className="field-error">
          {t("run.csv.failed")}: {problem}
        </span>
      )}
    </div>
  );
}
