/** All runs, newest first; older ones come as one scrolls. */

import { useState } from "react";

import { itemsOf, useRuns } from "../../api/hooks";
import type { Automation, RunStatus } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Button, Empty, ErrorState, Segments } from "../../ui";
import { useNearEnd } from "../../ui/useNearEnd";
import { RunTable } from "./runTable";

const FILTERS = ["all", "succeeded", "partial", "failed", "stopped"] as const;

export function Runs({ automation, selected }: { automation: Automation; selected?: number }) {
  const { t } = useLanguage();
  const [filter, setFilter] = useState<(typeof FILTERS)[number]>("all");
  const status: RunStatus | null = filter === "all" ? null : filter;
  const { data, error, isPending, isFetchingNextPage, hasNextPage, fetchNextPage, refetch } = useRuns(automation.id, status);
  const runs = itemsOf(data);
  const end = useNearEnd(hasNextPage && !isFetchingNextPage && error === null, () => void fetchNextPage());
  return (
    <div className="stack">
      <Segments
        label={t("runs.filter")}
        value={filter}
        onChange={setFilter}
        choices={FILTERS.map((value) => ({ value, label: value === "all" ? t("runs.all") : t(`run.status.${value}`) }))}
      />
      {error !== null && runs.length === 0 ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : !isPending && runs.length === 0 ? (
        <Empty icon="clock" title={t(filter === "all" ? "runs.none" : "runs.none.filtered")}>
          {filter === "all" && t("runs.none.text")}
        </Empty>
      ) : (
        <RunTable
          automation={automation}
          runs={runs}
          {...(selected === undefined ? {} : { selected })}
          loadingRows={isPending ? 6 : isFetchingNextPage ? 3 : 0}
        />
      )}
      {hasNextPage && (
        <div ref={end} className="list-end">
          <Button look="quiet" isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
            {t("runs.skip.older")}
          </Button>
        </div>
      )}
    </div>
  );
}
