/** The form of a flow's settings, made from its JSON Schema. */

import { useRef, useState } from "react";

import type { ProblemError, Settings, SettingsSchema } from "../api/types";
import { useLanguage } from "../i18n";
import { Checkbox, CheckboxGroup, IconButton, RadioGroup, Select, TextField } from "../ui";
import { ComboBox } from "../ui/ComboBox";
import { useLookup, useSettled } from "./queries";
import { errorAt, escaped, fieldsOf, isAsked, timeZones, type Field, type Lookup } from "./schema";
import "./forms.css";

export interface SchemaFormProps {
  schema: SettingsSchema;
  value: Settings;
  onChange: (value: Settings) => void;
  /** Of this form's own check, or of the server; by JSON pointer. */
  errors?: readonly ProblemError[];
  /** Credentials by connector: live lists are loaded with them. */
  lookups: Readonly<Record<string, string | null>>;
  /** How connectors are called. */
  titles?: Readonly<Record<string, string>>;
  /** Where the settings stand in what is sent. */
  at?: string;
  disabled?: boolean;
}

/** More choices than these go into a drop-down. */
const IN_VIEW = 4;
/** So many of which any may be chosen, too. */
const FEW = 8;

export function SchemaForm({ schema, value, onChange, errors = [], lookups, titles = {}, at = "/settings", disabled = false }: SchemaFormProps) {
  const { t } = useLanguage();
  const message = (field: Field): string | undefined => {
    const error = errorAt(errors, `${at}/${escaped(field.name)}`);
    if (error === undefined) return undefined;
    if (error.message !== "") return error.message;
    if (error.code === "min" && field.kind === "number") return t("form.min", { min: field.min ?? 0 });
    if (error.code === "max" && field.kind === "number") return t("form.max", { max: field.max ?? 0 });
    return error.code === "date" || error.code === "time-zone" || error.code === "number" || error.code === "choice"
      ? t(`form.${error.code}`)
      : t("form.missing");
  };
  return (
    <div className="form">
      {fieldsOf(schema)
        .filter((field) => isAsked(field, value))
        .map((field) => (
          <OneField
            key={field.name}
            field={field}
            value={value[field.name] ?? field.fallback}
            onChange={(next) => onChange({ ...value, [field.name]: next })}
            error={message(field)}
            lookups={lookups}
            titles={titles}
            disabled={disabled}
          />
        ))}
    </div>
  );
}

interface OneProps {
  field: Field;
  value: unknown;
  onChange: (value: unknown) => void;
  error: string | undefined;
  lookups: Readonly<Record<string, string | null>>;
  titles: Readonly<Record<string, string>>;
  disabled: boolean;
}

function OneField({ field, value, onChange, error, lookups, titles, disabled }: OneProps) {
  const { text } = useLanguage();
  const plain = typeof value === "string" ? value : value === null || value === undefined ? "" : String(value);
  const frame = {
    label: text(field.title),
    hint: text(field.description),
    error,
    required: field.neededWhen !== null || !field.nullable,
    disabled,
  };
  switch (field.kind) {
    case "choice": {
      const choices = field.choices.map((choice) => ({ value: choice.value, label: text(choice.label) || choice.value }));
      return choices.length > IN_VIEW ? (
        <Select {...frame} value={plain} onChange={onChange} choices={choices} />
      ) : (
        <RadioGroup {...frame} value={plain} onChange={onChange} choices={choices} />
      );
    }
    case "lookup":
      return <LookupField {...frame} lookup={field.lookup} lookups={lookups} titles={titles} value={plain === "" ? null : plain} onChange={onChange} />;
    case "many":
      if (field.lookup === null && field.choices.length <= FEW) {
        const choices = field.choices.map((choice) => ({ value: choice.value, label: text(choice.label) || choice.value }));
        return <CheckboxGroup {...frame} value={strings(value)} onChange={onChange} choices={choices} />;
      }
      return <ManyField {...frame} field={field} lookups={lookups} titles={titles} value={strings(value)} onChange={onChange} />;
    case "boolean":
      return (
        <Checkbox checked={value === true} onChange={onChange} hint={frame.hint} disabled={disabled} {...(error === undefined ? {} : { error })}>
          {frame.label}
        </Checkbox>
      );
    case "date":
      return <TextField {...frame} type="date" value={plain} onChange={(next) => onChange(next === "" ? null : next)} />;
    case "number":
      return (
        <TextField
          {...frame}
          type="number"
          value={plain}
          onChange={(next) => onChange(next === "" ? null : Number(next))}
          input={{ step: field.whole ? 1 : "any", ...(field.min === null ? {} : { min: field.min }), ...(field.max === null ? {} : { max: field.max }) }}
        />
      );
    case "time-zone":
      return <ZoneField {...frame} value={plain} onChange={onChange} />;
    default:
      return <TextField {...frame} value={plain} onChange={(next) => onChange(next === "" && field.nullable ? null : next)} />;
  }
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === "string") : []);

interface Frame {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  required?: boolean;
  disabled?: boolean;
}

/** A time zone, found by typing a part of its name. */
export function ZoneField({ value, onChange, ...frame }: Frame & { value: string; onChange: (zone: string) => void }) {
  const [search, setSearch] = useState("");
  const wanted = search.toLowerCase().replaceAll(" ", "_");
  const items = timeZones()
    .filter((zone) => zone.toLowerCase().includes(wanted))
    .slice(0, 60)
    .map((zone) => ({ value: zone, label: zone.replaceAll("_", " ") }));
  return (
    <ComboBox {...frame} items={items} value={value === "" ? null : value} valueLabel={value.replaceAll("_", " ")} onChange={(zone) => onChange(zone ?? "")} onSearch={setSearch} />
  );
}

interface LookupProps extends Frame {
  lookup: Lookup;
  lookups: Readonly<Record<string, string | null>>;
  titles: Readonly<Record<string, string>>;
}

function useChoices(lookup: Lookup | null, lookups: Readonly<Record<string, string | null>>, titles: Readonly<Record<string, string>>) {
  const { t } = useLanguage();
  const [search, setSearch] = useState("");
  const credential = lookup === null ? null : (lookups[lookup.connector] ?? null);
  const { data, error, isFetching } = useLookup(credential, lookup?.lookup ?? "", useSettled(search));
  // What was offered once keeps its name, even when the list has moved on.
  const names = useRef(new Map<string, string>());
  for (const item of data ?? []) names.current.set(item.value, item.label);
  const system = lookup === null ? "" : (titles[lookup.connector] ?? lookup.connector);
  return {
    items: data ?? [],
    isLoading: isFetching,
    search: setSearch,
    label: (value: string) => names.current.get(value) ?? value,
    known: credential !== null || lookup === null,
    trouble: error === null ? undefined : t("form.list-failed", { system }),
  };
}

function LookupField({ lookup, lookups, titles, value, onChange, hint, error, ...frame }: LookupProps & { value: string | null; onChange: (value: string | null) => void }) {
  const { t } = useLanguage();
  const choices = useChoices(lookup, lookups, titles);
  return (
    <ComboBox
      {...frame}
      hint={choices.known ? hint : t("form.connect-first")}
      error={error ?? choices.trouble}
      disabled={frame.disabled === true || !choices.known}
      items={choices.items}
      isLoading={choices.isLoading}
      value={value}
      valueLabel={value === null ? "" : choices.label(value)}
      onChange={onChange}
      onSearch={choices.search}
      placeholder={frame.required === true ? t("choose") : t("form.automatic")}
    />
  );
}

type ManyProps = Omit<LookupProps, "lookup"> & {
  field: Extract<Field, { kind: "many" }>;
  value: string[];
  onChange: (value: string[]) => void;
};

/** Any number of choices: each is shown with a button that takes it out again. */
function ManyField({ field, lookups, titles, value, onChange, hint, error, label, ...frame }: ManyProps) {
  const { t, text } = useLanguage();
  const live = useChoices(field.lookup, lookups, titles);
  const fixed = field.choices.map((choice) => ({ value: choice.value, label: text(choice.label) || choice.value }));
  const offered = field.lookup === null ? fixed : live.items;
  const name = (one: string) => fixed.find((choice) => choice.value === one)?.label ?? live.label(one);
  return (
    <div className="many">
      <ComboBox
        {...frame}
        required
        label={label}
        hint={live.known ? hint : t("form.connect-first")}
        error={error ?? live.trouble}
        disabled={frame.disabled === true || !live.known}
        items={offered.filter((item) => !value.includes(item.value))}
        isLoading={live.isLoading}
        value={null}
        onChange={(one) => one !== null && !value.includes(one) && onChange([...value, one])}
        onSearch={live.search}
        placeholder={value.length === 0 ? t("form.all") : t("choose")}
      />
      {value.length > 0 && (
        <ul className="chips" aria-label={label}>
          {value.map((one) => (
            <li key={one} className="chip">
              <span>{name(one)}</span>
              <IconButton
                size="sm"
                icon="x"
                label={`${t("action.remove")}: ${name(one)}`}
                isDisabled={frame.disabled === true}
                onPress={() => onChange(value.filter((other) => other !== one))}
              />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
