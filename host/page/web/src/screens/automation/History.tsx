/** Who changed what, and what it did by itself. */

import { itemsOf, useFlow, useHistory } from "../../api/hooks";
import type { Automation, HistoryEntry, SettingsSchema, Text } from "../../api/types";
import { type Key, type Language, Moment, useLanguage } from "../../i18n";
import { Avatar, Button, Empty, ErrorState, Icon, Loading, Skeleton } from "../../ui";

export function History({ automation }: { automation: Automation }) {
  const { t } = useLanguage();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useHistory(automation.id);
  const entries = itemsOf(data);
  const schema = useFlow(automation.flow).data?.settings_schema;
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
          <Entry key={entry.id} entry={entry} schema={schema} />
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

function Entry({ entry, schema }: { entry: HistoryEntry; schema: SettingsSchema | undefined }) {
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
        {changesOf(entry.details, language, schema).map((line) => (
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

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** What a change was, line by line, as far as it can be told. */
function changesOf(details: unknown, { t, text, cadence, failure }: Language, schema: SettingsSchema | undefined): string[] {
  if (!isObject(details)) return [];
  if (typeof details["people"] === "number") return [t("records.people", { n: details["people"] })];
  if (typeof details["documents"] === "number") return [t("records.documents", { n: details["documents"] })];
  if (typeof details["message"] === "string" && typeof details["kind"] === "string") {
    return [failure({ kind: details["kind"] as never, code: typeof details["code"] === "string" ? details["code"] : null, message: details["message"] }).says];
  }
  const { old, new: next } = details;
  if (old === undefined || next === undefined) return [];
  const property = (name: string): Record<string, unknown> => {
    const properties = schema?.["properties"];
    const found = isObject(properties) ? properties[name] : undefined;
    return isObject(found) ? found : {};
  };
  const titled = (value: unknown): string => (isObject(value) ? text(value as Text) : "");
  const labelled = (name: string, value: unknown): string => {
    const labels = property(name)["x-labels"];
    return (isObject(labels) && typeof value === "string" ? titled(labels[value]) : "") || told(value);
  };
  const told = (value: unknown): string => {
    if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return t("history.empty");
    if (isObject(value) && typeof value["kind"] === "string") return cadence(value as never);
    return Array.isArray(value) ? value.map(told).join(", ") : isObject(value) ? JSON.stringify(value) : String(value);
  };
  if (isObject(old) && isObject(next) && !("kind" in next)) {
    return [...new Set([...Object.keys(old), ...Object.keys(next)])]
      .filter((name) => JSON.stringify(old[name]) !== JSON.stringify(next[name]))
      .map((name) => t("history.change", { name: titled(property(name)["title"]) || name, old: labelled(name, old[name]), new: labelled(name, next[name]) }));
  }
  return [`${told(old)} → ${told(next)}`];
}
