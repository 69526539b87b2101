/** Who changed what, and what it did by itself. */

import { itemsOf, useHistory } from "../../api/hooks";
import type { Automation, HistoryEntry } from "../../api/types";
import { type Key, Moment, useLanguage } from "../../i18n";
import { Avatar, Button, Empty, ErrorState, Icon, Loading, Skeleton } from "../../ui";

export function History({ automation }: { automation: Automation }) {
  const { t } = useLanguage();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useHistory(automation.id);
  const entries = itemsOf(data);
  if (isPending) {
    return (
      <Loading>
        <Skeleton lines={[50, 40, 55, 45]} height={20} />
      </Loading>
    );
  }
  if (error !== null && entries.length === 0) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (entries.length === 0) return <Empty icon="clock" title={t("history.none")} />;
  return (
    <>
      <ol className="history">
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} automation={automation} />
        ))}
      </ol>
      {hasNextPage && (
        <div className="list-end">
          <Button look="quiet" isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
            {t("action.more")}
          </Button>
        </div>
      )}
    </>
  );
}

function Entry({ entry, automation }: { entry: HistoryEntry; automation: Automation }) {
  const language = useLanguage();
  const { t } = language;
  const { actor } = entry;
  const deed = deeds[entry.deed];
  return (
    <li className="history-entry">
      {actor.kind === "person" ? (
        <Avatar name={actor.name} picture={actor.picture ?? null} size={28} />
      ) : (
        <span className="avatar history-system">
          <Icon name="bolt" size={14} />
        </span>
      )}
      <div className="history-text">
        <div>
          <strong>{deed === undefined ? entry.deed : t(deed)}</strong>
          <span className="muted"> · {actor.kind === "person" ? actor.name : t("history.system")}</span>
        </div>
        {changesOf(entry.details, language, automation).map((line) => (
          <div key={line} className="muted">
            {line}
          </div>
        ))}
      </div>
      <span className="muted small nowrap">
        <Moment at={entry.at} />
      </span>
    </li>
  );
}

const deeds: Readonly<Record<string, Key>> = {
  started: "history.started",
  deactivated: "history.deactivated",
  reactivated: "history.reactivated",
  paused: "history.paused",
  resumed: "history.resumed",
  quarantined: "history.quarantined",
  recovered: "history.recovered",
  "settings-changed": "history.settings-changed",
  "schedule-changed": "history.schedule-changed",
  "credential-changed": "history.credential-changed",
  "flow-adopted": "history.flow-adopted",
  approved: "history.approved",
  discarded: "history.discarded",
  "documents-decided": "history.documents-decided",
  "contacts-changed": "history.contacts-changed",
  "link-forgotten": "history.link-forgotten",
  "person-erased": "history.person-erased",
  "hook-renewed": "history.hook-renewed",
};

type Language = ReturnType<typeof useLanguage>;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** What a change was, line by line, as far as it can be told. */
function changesOf(details: unknown, { t, cadence, failure }: Language, automation: Automation): string[] {
  if (!isObject(details)) return [];
  if (typeof details["people"] === "number") return [t("records.people", { n: details["people"] })];
  if (typeof details["documents"] === "number") return [t("records.documents", { n: details["documents"] })];
  if (typeof details["message"] === "string" && typeof details["kind"] === "string") {
    return [failure({ kind: details["kind"] as never, code: typeof details["code"] === "string" ? details["code"] : null, message: details["message"] }).says];
  }
  const { old, new: next } = details;
  if (old === undefined || next === undefined) return [];
  const told = (value: unknown): string => {
    if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return t("history.empty");
    if (isObject(value) && typeof value["kind"] === "string") return cadence(value as never);
    return Array.isArray(value) ? value.map(told).join(", ") : isObject(value) ? JSON.stringify(value) : String(value);
  };
  if (isObject(old) && isObject(next) && !("kind" in next)) {
    return [...new Set([...Object.keys(old), ...Object.keys(next)])]
      .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(next[name]))
      .map((name) => t("history.change", { name, old: told(old[name]), new: told(next[name]) }));
  }
  void automation;
  return [`${told(old)} → ${told(next)}`];
}
