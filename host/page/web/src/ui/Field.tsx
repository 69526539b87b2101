/**
 * Fields of forms. They are the browser's own, styled: they work everywhere, and a drop-down of the browser's is not
 * cut off at the edge of a vendor's frame. Each has a label, may have a hint, and shows its error beneath.
 */

import { type InputHTMLAttributes, type ReactNode, useId, useState } from "react";

import { useLanguage } from "../i18n";
import { IconButton } from "./Button";
import { Icon } from "./icons";
import "./field.css";

export interface FieldFrame {
  label: ReactNode;
  /** For a label that is only heard. */
  hideLabel?: boolean;
  hint?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  disabled?: boolean;
}

interface Wired {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
  "aria-required": true | undefined;
}

/** Label, hint and error around a control. */
export function Field({
  label,
  hideLabel = false,
  hint,
  error,
  required = false,
  children,
}: FieldFrame & { children: (wired: Wired) => ReactNode }) {
  const { t } = useLanguage();
  const id = useId();
  const has = (part: ReactNode) => part !== undefined && part !== null && part !== "" && part !== false;
  const described = [has(hint) ? `${id}-hint` : "", has(error) ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? "visually-hidden" : "field-label"}>
        {label}
        {!required && !hideLabel && <span className="field-optional"> {t("optional")}</span>}
      </label>
      {children({
        id,
        "aria-describedby": described === "" ? undefined : described,
        "aria-invalid": has(error) ? true : undefined,
        "aria-required": required ? true : undefined,
      })}
      {has(hint) && (
        <div id={`${id}-hint`} className="field-hint">
          {hint}
        </div>
      )}
      <FieldError id={`${id}-error`} error={error} />
    </div>
  );
}

export function FieldError({ id, error }: { id?: string; error: ReactNode }) {
  const shown = error !== undefined && error !== null && error !== "" && error !== false;
  return (
    <div aria-live="polite" className="field-error-place">
      {shown && (
        <div id={id} className="field-error">
          <Icon name="alert-circle" size={14} />
          <span>{error}</span>
        </div>
      )}
    </div>
  );
}

export interface TextFieldProps extends FieldFrame {
  value: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
  type?: "text" | "email" | "url" | "date" | "number" | "search" | "time";
  placeholder?: string;
  autoComplete?: string;
  autoFocus?: boolean;
  /** Shown at the start of the field. */
  icon?: ReactNode;
  /** More attributes of the input. */
  input?: InputHTMLAttributes<HTMLInputElement>;
  /** Text of a program: fixed width, no corrections. */
  code?: boolean;
}

export function TextField({
  value,
  onChange,
  onBlur,
  type = "text",
  placeholder,
  autoComplete = "off",
  autoFocus = false,
  icon,
  input,
  code = false,
  ...frame
}: TextFieldProps) {
  return (
    <Field {...frame}>
      {(wired) => (
        <div className="control" data-disabled={frame.disabled === true ? "" : undefined}>
          {icon}
          <input
            {...wired}
            {...input}
            className={code ? "control-input control-code" : "control-input"}
            type={type}
            value={value}
            onChange={(event) => onChange(event.target.value)}
            onBlur={onBlur}
            placeholder={placeholder}
            autoComplete={autoComplete}
            autoFocus={autoFocus}
            disabled={frame.disabled}
            spellCheck={code ? false : undefined}
          />
        </div>
      )}
    </Field>
  );
}

/** What nobody should read over a shoulder; it can be shown to check what was pasted. Password managers leave it alone. */
export function SecretField({ value, onChange, onBlur, placeholder, autoFocus = false, ...frame }: TextFieldProps) {
  const { t } = useLanguage();
  const [shown, setShown] = useState(false);
  return (
    <Field {...frame}>
      {(wired) => (
        <div className="control" data-disabled={frame.disabled === true ? "" : undefined}>
          <input
            {...wired}
            className={`control-input control-code${shown ? "" : " control-secret"}`}
            type="text"
            value={value}
            onChange={(event) => onChange(event.target.value)}
            onBlur={onBlur}
            placeholder={placeholder}
            autoComplete="off"
            autoCapitalize="none"
            autoCorrect="off"
            autoFocus={autoFocus}
            spellCheck={false}
            disabled={frame.disabled}
            data-1p-ignore=""
            data-lpignore="true"
          />
          <IconButton
            size="sm"
            icon={shown ? "eye-off" : "eye"}
            label={shown ? t("secret.hide") : t("secret.show")}
            onPress={() => setShown(!shown)}
          />
        </div>
      )}
    </Field>
  );
}

export interface TextAreaProps extends FieldFrame {
  value: string;
  onChange: (value: string) => void;
  onBlur?: () => void;
  rows?: number;
  code?: boolean;
  placeholder?: string;
}

export function TextArea({ value, onChange, onBlur, rows = 3, code = false, placeholder, ...frame }: TextAreaProps) {
  return (
    <Field {...frame}>
      {(wired) => (
        <div className="control control-area">
          <textarea
            {...wired}
            className={code ? "control-input control-code" : "control-input"}
            rows={rows}
            value={value}
            onChange={(event) => onChange(event.target.value)}
            onBlur={onBlur}
            placeholder={placeholder}
            disabled={frame.disabled}
            spellCheck={code ? false : undefined}
          />
        </div>
      )}
    </Field>
  );
}

export interface Choice<Value extends string = string> {
  value: Value;
  label: string;
  hint?: ReactNode;
  disabled?: boolean;
}

export interface SelectProps<Value extends string> extends FieldFrame {
  /** Empty: nothing is chosen. */
  value: Value | "";
  onChange: (value: Value) => void;
  choices: readonly Choice<Value>[];
  placeholder?: string;
  size?: "md" | "sm";
}

export function Select<Value extends string>({ value, onChange, choices, placeholder, size = "md", ...frame }: SelectProps<Value>) {
  const { t } = useLanguage();
  return (
    <Field {...frame}>
      {(wired) => (
        <div className={`control control-select control-${size}`} data-disabled={frame.disabled === true ? "" : undefined}>
          <select
            {...wired}
            className="control-input"
            value={value}
            disabled={frame.disabled}
            onChange={(event) => onChange(event.target.value as Value)}
          >
            {value === "" && (
              <option value="" disabled>
                {placeholder ?? t("choose")}
              </option>
            )}
            {choices.map((choice) => (
              <option key={choice.value} value={choice.value} disabled={choice.disabled}>
                {choice.label}
              </option>
            ))}
          </select>
          <Icon name="chevron-down" size={14} />
        </div>
      )}
    </Field>
  );
}

interface TickProps {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  disabled?: boolean;
}

function Tick({ kind, checked, onChange, children, hint, error, disabled = false }: TickProps & { kind: "check" | "switch" }) {
  const id = useId();
  return (
    <div className="tick-field">
      <label className="tick">
        <input
          type="checkbox"
          role={kind === "switch" ? "switch" : undefined}
          className={kind === "switch" ? "tick-switch" : "tick-box"}
          checked={checked}
          disabled={disabled}
          onChange={(event) => onChange(event.target.checked)}
          aria-describedby={hint === undefined ? undefined : `${id}-hint`}
          aria-invalid={error === undefined ? undefined : true}
        />
        <span className="tick-text">
          <span>{children}</span>
          {hint !== undefined && (
            <span id={`${id}-hint`} className="field-hint">
              {hint}
            </span>
          )}
        </span>
      </label>
      <FieldError error={error} />
    </div>
  );
}

export function Checkbox(props: TickProps) {
  return <Tick kind="check" {...props} />;
}

export function Switch(props: TickProps) {
  return <Tick kind="switch" {...props} />;
}

export interface RadioGroupProps<Value extends string> extends FieldFrame {
  value: Value | "";
  onChange: (value: Value) => void;
  choices: readonly Choice<Value>[];
  /** Each choice in a box of its own. */
  boxed?: boolean;
}

export function RadioGroup<Value extends string>({ label, hideLabel, hint, error, disabled, value, onChange, choices, boxed = false }: RadioGroupProps<Value>) {
  const name = useId();
  return (
    <fieldset className="field radio-group" disabled={disabled} aria-describedby={hint === undefined ? undefined : `${name}-hint`}>
      <legend className={hideLabel === true ? "visually-hidden" : "field-label"}>{label}</legend>
      {hint !== undefined && hint !== "" && (
        <div id={`${name}-hint`} className="field-hint">
          {hint}
        </div>
      )}
      <div className={boxed ? "radio-choices radio-boxed" : "radio-choices"}>
        {choices.map((choice) => (
          <label key={choice.value} className="tick">
            <input
              type="radio"
              className="tick-radio"
              name={name}
              value={choice.value}
              checked={choice.value === value}
              disabled={choice.disabled}
              onChange={() => onChange(choice.value)}
            />
            <span className="tick-text">
              <span>{choice.label}</span>
              {choice.hint !== undefined && <span className="field-hint">{choice.hint}</span>}
            </span>
          </label>
        ))}
      </div>
      <FieldError error={error} />
    </fieldset>
  );
}

export interface CheckboxGroupProps extends FieldFrame {
  /** Those that are chosen, in the order of the choices. */
  value: readonly string[];
  onChange: (value: string[]) => void;
  choices: readonly Choice<string>[];
}

/** Any of a few: all of them are in view, so that none chosen looks like none. */
export function CheckboxGroup({ label, hint, error, disabled, value, onChange, choices }: CheckboxGroupProps) {
  const id = useId();
  const toggle = (one: string, on: boolean) => onChange(choices.map((choice) => choice.value).filter((other) => (other === one ? on : value.includes(other))));
  return (
    <fieldset className="field radio-group" disabled={disabled} aria-describedby={hint === undefined ? undefined : `${id}-hint`}>
      <legend className="field-label">{label}</legend>
      {hint !== undefined && hint !== "" && (
        <div id={`${id}-hint`} className="field-hint">
          {hint}
        </div>
      )}
      <div className="radio-choices">
        {choices.map((choice) => (
          <Checkbox key={choice.value} checked={value.includes(choice.value)} onChange={(on) => toggle(choice.value, on)} disabled={disabled === true}>
            {choice.label}
          </Checkbox>
        ))}
      </div>
      <FieldError error={error} />
    </fieldset>
  );
}
