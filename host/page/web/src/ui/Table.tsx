/**
 * A table of rows: a real one for readers and screen readers alike. On a phone each row is a card, and a cell
 * names its column.
 */

import type { ReactNode } from "react";

import { useLanguage } from "../i18n";
import { Loading, Skeleton } from "./Notice";
import "./table.css";

export interface Column<Row> {
  id: string;
  title: string;
  /** The title is only for screen readers: of actions, or of a picture. */
  hideTitle?: boolean;
  cell: (row: Row) => ReactNode;
  align?: "end";
  /** Any CSS width. */
  width?: string;
  /** Place in a phone's card: its heading, at its right side, or left out. */
  card?: "heading" | "side" | "none";
}

export interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string | number;
  /** A row is pressed as a whole; the heading cell should hold the real link or button. */
  onRow?: (row: Row) => void;
  isSelected?: (row: Row) => boolean;
  /** How many rows are outlined in place of rows that are being loaded. */
  loadingRows?: number;
  /** It has a height of its own and scrolls within: by keyboard too. */
  scrolls?: boolean;
  /** After the last row, where it scrolls along. */
  end?: ReactNode;
}

export function Table<Row>({ label, columns, rows, keyOf, onRow, isSelected, loadingRows = 0, scrolls = false, end }: TableProps<Row>) {
  const { t } = useLanguage();
  return (
    <div className="table-frame" {...(scrolls ? { tabIndex: 0, role: "region", "aria-label": label } : {})}>
      <table className="table" aria-label={label} aria-busy={loadingRows > 0}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" data-align={column.align} style={column.width === undefined ? {} : { width: column.width }}>
                <span className={column.hideTitle === true ? "visually-hidden" : ""}>{column.title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={keyOf(row)}
              data-pressable={onRow === undefined ? undefined : ""}
              data-selected={isSelected?.(row) === true ? "" : undefined}
              onClick={
                onRow === undefined
                  ? undefined
                  : (event) => {
                      const inner = (event.target as Element).closest("a, button, input, label");
                      if (inner === null && getSelection()?.toString() === "") onRow(row);
                    }
              }
            >
              {columns.map((column) => (
                <td key={column.id} data-align={column.align} data-card={column.card} data-title={column.hideTitle === true ? undefined : column.title}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
          {Array.from({ length: loadingRows }, (_, index) => (
            <tr key={`loading-${index}`} aria-hidden="true">
              {columns.map((column) => (
                <td key={column.id} data-card={column.card}>
                  <Skeleton lines={[45 + ((index * 17 + column.title.length * 7) % 45)]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {end}
      {loadingRows > 0 && <Loading>{null}</Loading>}
      {loadingRows > 0 && rows.length > 0 && <span className="visually-hidden">{t("table.more")}</span>}
    </div>
  );
}
