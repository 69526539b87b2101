/** How often an automation runs, as it is edited: the plain cases as choices, everything else as a cron expression. */

import type { Cadence } from "../api/types";

export type Rhythm = "minutes" | "hours" | "daily" | "on-demand" | "cron";

export interface Draft {
  rhythm: Rhythm;
  /** Minutes or hours. */
  every: number;
  /** `07:30`. */
  time: string;
  zone: string;
  expression: string;
}

const DAILY = /^(\d{1,2}) (\d{1,2}) \* \* \*$/;

export function draftOf(cadence: Cadence, zone: string): Draft {
  const plain: Draft = { rhythm: "minutes", every: 15, time: "06:00", zone, expression: "0 6 * * 1-5" };
  if (cadence.kind === "on-demand") return { ...plain, rhythm: "on-demand" };
  if (cadence.kind === "cron") {
    const daily = DAILY.exec(cadence.expression);
    if (daily === null) return { ...plain, rhythm: "cron", expression: cadence.expression, zone: cadence.time_zone };
    const time = `${(daily[2] ?? "").padStart(2, "0")}:${(daily[1] ?? "").padStart(2, "0")}`;
    return { ...plain, rhythm: "daily", time, zone: cadence.time_zone, expression: cadence.expression };
  }
  if (cadence.seconds % 3600 === 0) return { ...plain, rhythm: "hours", every: cadence.seconds / 3600 };
  return { ...plain, every: Math.max(1, Math.round(cadence.seconds / 60)) };
}

export function cadenceOf(draft: Draft): Cadence {
  switch (draft.rhythm) {
    case "on-demand":
      return { kind: "on-demand" };
    case "cron":
      return { kind: "cron", expression: draft.expression.trim(), time_zone: draft.zone };
    case "daily": {
      const [hour = "0", minute = "0"] = draft.time.split(":");
      return { kind: "cron", expression: `${Number(minute)} ${Number(hour)} * * *`, time_zone: draft.zone };
    }
    default:
      return { kind: "every", seconds: draft.every * (draft.rhythm === "hours" ? 3600 : 60) };
  }
}

/** What is wrong with a draft: `every`, `time`, `zone` or `expression`. The server has the last word. */
export function checkDraft(draft: Draft): "every" | "time" | "expression" | null {
  if (draft.rhythm === "minutes" || draft.rhythm === "hours") return Number.isInteger(draft.every) && draft.every >= 1 ? null : "every";
  if (draft.rhythm === "daily") return /^([01]\d|2[0-3]):[0-5]\d$/.test(draft.time) ? null : "time";
  if (draft.rhythm === "cron") return draft.expression.trim().split(/\s+/).length === 5 ? null : "expression";
  return null;
}
