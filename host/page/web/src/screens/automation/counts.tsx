/** Counts of a run in words: what was done first, then what needs somebody. */

import type { Counts, OutcomeKind, Records } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Icon, type IconName, type StatusTone } from "../../ui";

export const KINDS: readonly OutcomeKind[] = ["created", "updated", "deactivated", "reactivated", "staged", "ambiguous", "failed", "skipped"];

export const kindMarks: Record<OutcomeKind, { tone: StatusTone; icon: IconName }> = {
  created: { tone: "good", icon: "plus" },
  updated: { tone: "busy", icon: "refresh" },
  unchanged: { tone: "off", icon: "check" },
  deactivated: { tone: "off", icon: "minus-circle" },
  reactivated: { tone: "good", icon: "check-circle" },
  skipped: { tone: "off", icon: "circle" },
  staged: { tone: "warn", icon: "shield" },
  ambiguous: { tone: "warn", icon: "alert-triangle" },
  failed: { tone: "bad", icon: "x-circle" },
};

/** `12 created · 3 failed`. */
export function CountsLine({ counts, records }: { counts: Counts; records: Records }) {
  const { t, kind, formats } = useLanguage();
  const told = KINDS.filter((one) => counts[one] > 0 && one !== "skipped");
  if (told.length === 0) return <span className="muted">{t("runs.no.changes")}</span>;
  return (
    <span className="counts-line">
      {told.map((one) => (
        <span key={one} className="count" data-tone={kindMarks[one].tone === "bad" || kindMarks[one].tone === "warn" ? kindMarks[one].tone : undefined}>
          <strong>{formats.number.format(counts[one])}</strong> {kind(records, one)}
        </span>
      ))}
    </span>
  );
}

export function KindMark({ kind, records }: { kind: OutcomeKind; records: Records }) {
  const language = useLanguage();
  const mark = kindMarks[kind];
  return (
    <span className="status" data-tone={mark.tone}>
      <Icon name={mark.icon} size={14} />
      <span className="begins">{language.kind(records, kind)}</span>
    </span>
  );
}
