/**
 * What became of everybody in a run. Only the rows in sight are drawn, and the next page is asked for when one comes
 * near its end: fifty thousand rows scroll like fifty.
 */

import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useMemo, useRef, useState } from "react";

import { itemsOf, useFlow, useRecords } from "../../api/hooks";
import type { Automation, OutcomeKind, Run, RunRecord } from "../../api/types";
import { useAttributeTitles } from "../../forms/titles";
import { useLanguage } from "../../i18n";
import { Empty, ErrorState, Loading, Skeleton } from "../../ui";
import { KindMark } from "./counts";

/** How a row is high before it was drawn. */
const ROW_PX = 62;
/** So many rows before the end the next page is asked for. */
const AHEAD = 60;

export function Records({ automation, run, kinds, head }: { automation: Automation; run: Run; kinds: readonly OutcomeKind[]; head: ReactNode }) {
  const { t } = useLanguage();
  const running = run.status === "running";
  const { data, error, isPending, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useRecords(run.id, kinds);
  const records = useMemo(() => itemsOf(data), [data]);
  const titles = useAttributeTitles(useFlow(automation.flow).data);
  const scroller = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  // The head scrolls with the list and changes its height while a run goes on.
  useEffect(() => {
    const place = list.current;
    if (place === null) return;
    const observer = new ResizeObserver(() => setOffset(place.offsetTop));
    observer.observe(place);
    if (place.previousElementSibling !== null) observer.observe(place.previousElementSibling);
    return () => observer.disconnect();
  }, []);
  const virtual = useVirtualizer({
    count: records.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollMargin: offset,
    getItemKey: (index) => records[index]?.key ?? index,
  });
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && error === null && last > records.length - AHEAD) void fetchNextPage();
  }, [error, fetchNextPage, hasNextPage, isFetchingNextPage, last, records.length]);
  // A run under way writes more at the end.
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => {
      if (!hasNextPage && records.length < 1_000) void refetch();
    }, 4_000);
    return () => clearInterval(timer);
  }, [hasNextPage, records.length, refetch, running]);

  return (
    <div className="records" ref={scroller} tabIndex={0} aria-label={t("run.records.label")} role="region">
      <div>{head}</div>
      <div ref={list} role="list" aria-busy={isPending || isFetchingNextPage} style={{ height: virtual.getTotalSize() }} className="records-list">
        {rows.map((row) => {
          const record = records[row.index];
          if (record === undefined) return null;
          return (
            <div
              key={row.key}
              ref={virtual.measureElement}
              data-index={row.index}
              role="listitem"
              aria-posinset={row.index + 1}
              aria-setsize={hasNextPage ? -1 : records.length}
              className="record"
              style={{ transform: `translateY(${row.start - offset}px)` }}
            >
              <RecordRow automation={automation} record={record} titles={titles} />
            </div>
          );
        })}
      </div>
      {isPending || isFetchingNextPage ? (
        <div className="records-loading">
          <Loading>
            <Skeleton lines={[70, 45, 60]} />
          </Loading>
        </div>
      ) : error !== null ? (
        <ErrorState small error={error} onRetry={() => void (records.length === 0 ? refetch() : fetchNextPage())} />
      ) : (
        records.length === 0 && (
          <Empty small icon={running ? "clock" : "check"} title={t(running ? "run.records.running" : kinds.length > 0 ? "run.records.none.filtered" : "run.records.none")}>
            {!running && kinds.length === 0 && t("run.records.none.text")}
          </Empty>
        )
      )}
    </div>
  );
}

function RecordRow({ automation, record, titles }: { automation: Automation; record: RunRecord; titles: (attribute: string) => string }) {
  const { t, text, outcome, formats } = useLanguage();
  const { says, advice, detail } = outcome(record.code, record.reason);
  return (
    <>
      <div className="record-kind">
        <KindMark kind={record.kind} records={automation.records} />
      </div>
      <div className="record-text">
        <div>
          <span className="record-key">{record.key}</span>
          {record.target !== null && <span className="muted"> {t("run.record.target", { target: text(automation.target.title), id: record.target })}</span>}
        </div>
        {says !== "" && <div>{says}</div>}
        {detail !== null && <div className="muted">{detail}</div>}
        {advice !== null && <div className="muted">{advice}</div>}
        {/* Of a new account everything is new. */}
        {record.changed.length > 0 && record.kind !== "created" && <div className="muted">{t("run.record.changed", { attributes: formats.list(record.changed.map(titles)) })}</div>}
      </div>
    </>
  );
}
