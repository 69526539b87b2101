/** How often an automation runs. */

import { useId, useState } from "react";

import type { Cadence } from "../api/types";
import { useLanguage } from "../i18n";
import { Select, TextField } from "../ui";
import { cadenceOf, checkDraft, draftOf, type Draft, type Rhythm } from "./cadence";
import { ZoneField } from "./SchemaForm";
import "./forms.css";

export interface CadenceEditorProps {
  /** What it begins with; what is edited afterwards lives in here. */
  value: Cadence;
  /** Null while what was entered is no schedule. */
  onChange: (cadence: Cadence | null) => void;
  /** What the server says of it. */
  error?: string | undefined;
  disabled?: boolean;
  /** Of a new daily schedule: that of the settings, or of the reader. */
  zone?: string;
}

const RHYTHMS: readonly Rhythm[] = ["minutes", "hours", "daily", "on-demand", "cron"];

export function CadenceEditor({ value, onChange, error, disabled = false, zone }: CadenceEditorProps) {
  const { t } = useLanguage();
  const id = useId();
  const [draft, setDraft] = useState<Draft>(() => draftOf(value, zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone));
  const [every, setEvery] = useState(String(draft.every));
  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    setDraft(next);
    onChange(checkDraft(next) === null ? cadenceOf(next) : null);
  };
  const wrong = checkDraft(draft);
  const says = wrong === null ? error : t(`schedule.wrong.${wrong}`);
  return (
    <div className="cadence" id={id}>
      <Select
        label={t("schedule.rhythm")}
        required
        disabled={disabled}
        value={draft.rhythm}
        onChange={(rhythm) => {
          const plain = rhythm === "hours" ? 1 : 15;
          const next = rhythm === draft.rhythm ? draft.every : plain;
          setEvery(String(next));
          change({ rhythm, every: next });
        }}
        choices={RHYTHMS.map((rhythm) => ({ value: rhythm, label: t(`schedule.${rhythm}`) }))}
        {...(draft.rhythm === "on-demand" ? { error: says } : {})}
      />
      {(draft.rhythm === "minutes" || draft.rhythm === "hours") && (
        <TextField
          label={t(`schedule.every.${draft.rhythm}`)}
          required
          disabled={disabled}
          type="number"
          value={every}
          onChange={(text) => {
            setEvery(text);
            change({ every: text === "" ? 0 : Number(text) });
          }}
          error={says}
          input={{ min: 1, step: 1 }}
        />
      )}
      {draft.rhythm === "daily" && (
        <TextField label={t("schedule.time")} required disabled={disabled} type="time" value={draft.time} onChange={(time) => change({ time })} error={says} />
      )}
      {draft.rhythm === "cron" && (
        <TextField
          label={t("schedule.expression")}
          hint={t("schedule.expression.help")}
          required
          disabled={disabled}
          code
          value={draft.expression}
          onChange={(expression) => change({ expression })}
          error={says}
        />
      )}
      {(draft.rhythm === "daily" || draft.rhythm === "cron") && (
        <ZoneField label={t("schedule.zone")} required disabled={disabled} value={draft.zone} onChange={(next) => change({ zone: next === "" ? draft.zone : next })} />
      )}
    </div>
  );
}
