/** Who changed what, and what it did by itself. */

import { itemsOf, useFlow, useHistory } from "../../api/hooks";
import type { Automation, Flow, HistoryEntry } from "../../api/types";
import { type Key, Moment, useLanguage } from "../../i18n";
import { Avatar, Button, Empty, ErrorState, Icon, Loading, Skeleton } from "../../ui";
import { changesOf } from "./changes";

export function History({ automation }: { automation: Automation }) {
  const { t } = useLanguage();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useHistory(automation.id);
  const entries = itemsOf(data);
  const flow = useFlow(automation.flow).data;
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
          <Entry key={entry.id} entry={entry} flow={flow} />
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

function Entry({ entry, flow }: { entry: HistoryEntry; flow: Flow | undefined }) {
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
        {changesOf(entry, language, flow).map((line) => (
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
