/** What waits for a decision, in a box of its own that scrolls; more comes as its end is reached. */

import type { UseInfiniteQueryResult, InfiniteData } from "@tanstack/react-query";

import { itemsOf } from "../../api/hooks";
import type { Page } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Button, type Column, ErrorState, Table } from "../../ui";
import { useNearEnd } from "../../ui/useNearEnd";

export interface DecideListProps<Item> {
  label: string;
  columns: readonly Column<Item>[];
  query: UseInfiniteQueryResult<InfiniteData<Page<Item>>>;
}

export function DecideList<Item extends { key: string }>({ label, columns, query }: DecideListProps<Item>) {
  const { t } = useLanguage();
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query;
  const end = useNearEnd(hasNextPage && !isFetchingNextPage && error === null, () => void fetchNextPage());
  if (error !== null && data === undefined) return <ErrorState small error={error} onRetry={() => void refetch()} />;
  return (
    <div className="decide-list">
      <Table
        label={label}
        columns={columns}
        rows={itemsOf(data)}
        keyOf={(one) => one.key}
        scrolls
        loadingRows={isPending || isFetchingNextPage ? 3 : 0}
        end={
          hasNextPage && (
            <div ref={end} className="list-end">
              <Button look="quiet" isPending={isFetchingNextPage} onPress={() => void fetchNextPage()}>
                {t("action.more")}
              </Button>
            </div>
          )
        }
      />
    </div>
  );
}
