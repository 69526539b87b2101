/** Everybody to whom something would happen, with what they have now and what they would have. */

import { useState } from "react";

import { part } from "../../api/client";
import { itemsOf, usePages } from "../../api/hooks";
import type { Flow, OutcomeKind, Plan, PlannedRecord } from "../../api/types";
import { shown } from "../../forms/mapping";
import { useSettled } from "../../forms/queries";
import { useAttributeTitles } from "../../forms/titles";
import { useLanguage } from "../../i18n";
import { Button, Empty, ErrorState, Icon, Status, Table, TextField } from "../../ui";
import { kindMarks } from "../automation/counts";

/** Kinds in the order in which they are told. */
export const KINDS: readonly OutcomeKind[] = ["created", "updated", "reactivated", "deactivated", "staged", "ambiguous", "failed", "skipped", "unchanged"];

/** So many changes of one person are shown at once. */
const IN_VIEW = 3;

export function PlanPeople({ plan, flow }: { plan: Plan; flow: Flow }) {
  const { t, kind: word, formats } = useLanguage();
  const [kind, setKind] = useState<OutcomeKind | null>(null);
  const [search, setSearch] = useState("");
  const settled = useSettled(search.trim());
  const people = usePages<PlannedRecord>(["plan", plan.id, "people", kind, settled], `plans/${part(plan.id)}/people`, { kind, search: settled, limit: 20 });
  const rows = itemsOf(people.data);
  const kinds = KINDS.filter((one) => plan.counts[one] > 0);
  const listed = kinds.filter((one) => one !== "unchanged");
  const all = listed.reduce((sum, one) => sum + plan.counts[one], 0);
  const titles = useAttributeTitles(flow);
  return (
    <section aria-label={t("start.preview.people")}>
      <div className="tiles" role="group" aria-label={t("start.preview.outcome")}>
        {listed.length > 1 && (
          <button type="button" className="tile" aria-pressed={kind === null} onClick={() => setKind(null)}>
            <span className="tile-name">{t("start.preview.all")}</span>
            <span className="tile-count">{formats.number.format(all)}</span>
          </button>
        )}
        {listed.map((one) => (
          <button key={one} type="button" className="tile" aria-pressed={kind === one} onClick={() => setKind(kind === one ? null : one)}>
            <span className="tile-name">
              <span className="tile-dot" data-tone={kindMarks[one].tone} />
              {word(flow.records, one)}
            </span>
            <span className="tile-count">{formats.number.format(plan.counts[one])}</span>
          </button>
        ))}
        {plan.counts.unchanged > 0 && (
          <div className="tile tile-still">
            <span className="tile-name">{word(flow.records, "unchanged")}</span>
            <span className="tile-count">{formats.number.format(plan.counts.unchanged)}</span>
          </div>
        )}
      </div>
      <div className="plan-tools">
        <TextField
          label={t("start.preview.search")}
          hideLabel
          type="search"
          icon={<Icon name="search" />}
          placeholder={t("start.preview.search")}
          value={search}
          onChange={setSearch}
        />
      </div>
      {people.isError && rows.length === 0 ? (
        <ErrorState small error={people.error} onRetry={() => void people.refetch()} />
      ) : rows.length === 0 && !people.isPending ? (
        <Empty small icon="search" title={t("start.preview.none")}>
          {t("start.preview.none.text")}
        </Empty>
      ) : (
        <div className="plan-people">
          <Table
            label={t("start.preview.people")}
            rows={rows}
            loadingRows={people.isPending ? 6 : people.isFetchingNextPage ? 2 : 0}
            keyOf={(row) => row.key}
            columns={[
              {
                id: "who",
                title: t(flow.records === "documents" ? "start.preview.document" : "start.preview.who"),
                card: "heading",
                width: "26%",
                cell: (row) => (
                  <span className="plan-who">
                    <strong>{row.who ?? row.key}</strong>
                    {row.who !== null && <small>{row.key}</small>}
                  </span>
                ),
              },
              {
                id: "outcome",
                title: t("start.preview.outcome"),
                card: "side",
                width: "16%",
                cell: (row) => (
                  <Status tone={kindMarks[row.kind].tone} icon={kindMarks[row.kind].icon}>
                    {word(flow.records, row.kind)}
                  </Status>
                ),
              },
              { id: "changes", title: t("start.preview.changes"), cell: (row) => <Changes row={row} titles={titles} /> },
            ]}
          />
        </div>
      )}
      {people.hasNextPage && (
        <div className="plan-more">
          <Button size="sm" isPending={people.isFetchingNextPage} onPress={() => void people.fetchNextPage()}>
            {t("action.more")}
          </Button>
        </div>
      )}
    </section>
  );
}

function Changes({ row, titles }: { row: PlannedRecord; titles: (attribute: string) => string }) {
  const { t, outcome } = useLanguage();
  const [all, setAll] = useState(false);
  const changes = all ? row.changes : row.changes.slice(0, IN_VIEW);
  const why = row.code === null && row.reason === null ? null : outcome(row.code, row.reason);
  return (
    <div className="changes" data-kind={row.kind}>
      {row.adopts && <span className="tag">{t("start.preview.adopts")}</span>}
      {why !== null && (
        <span className="changes-why">
          {why.says} {why.detail} {why.advice !== null && <span className="muted">{why.advice}</span>}
        </span>
      )}
      {changes.length > 0 && (
        <dl>
          {changes.map(({ attribute, old, new: next }) => (
            <div key={attribute}>
              <dt>{titles(attribute)}</dt>
              <dd>
                {(old !== null || row.kind !== "created") && (
                  <>
                    <span className="visually-hidden">{t("start.preview.old")}: </span>
                    <Value value={old} old />
                    <Icon name="arrow-right" size={12} />
                    <span className="visually-hidden">{t("start.preview.new")}: </span>
                  </>
                )}
                <Value value={next} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {row.changes.length > IN_VIEW && (
        <button type="button" className="changes-more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? t("start.preview.less") : t("start.preview.more", { n: row.changes.length - IN_VIEW })}
        </button>
      )}
    </div>
  );
}

function Value({ value, old = false }: { value: unknown; old?: boolean }) {
  const { t } = useLanguage();
  const said = typeof value === "boolean" ? t(value ? "yes" : "no") : shown(value);
  if (said === null) return <span className="value value-empty">{t("start.preview.empty")}</span>;
  return <span className={old ? "value value-old" : "value"}>{said}</span>;
}
