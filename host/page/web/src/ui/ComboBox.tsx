/** Search in what a remote system offers: the list is asked for while typing. */

import { type ReactNode, useState } from "react";
import { Button } from "react-aria-components/Button";
import { ComboBox as AriaComboBox, Input, Label, ListBox, ListBoxItem, Popover, Text } from "react-aria-components/ComboBox";

import { useLanguage } from "../i18n";
import { FieldError } from "./Field";
import { Icon } from "./icons";
import "./combobox.css";

export interface ComboItem {
  value: string;
  label: string;
  hint?: string | null;
}

export interface ComboBoxProps {
  label: ReactNode;
  /** For a label that is only heard. */
  ariaLabel?: string;
  hint?: ReactNode;
  error?: ReactNode;
  required?: boolean;
  disabled?: boolean;
  /** What is offered for the present search. */
  items: readonly ComboItem[];
  isLoading?: boolean;
  value: string | null;
  /** How the chosen value reads, where it is not among the items. */
  valueLabel?: string;
  onChange: (value: string | null) => void;
  /** What was typed; the owner of the items searches. */
  onSearch: (text: string) => void;
  placeholder?: string;
  /** Shown if nothing was found. */
  empty?: ReactNode;
}

export function ComboBox({
  label,
  ariaLabel,
  hint,
  error,
  required = false,
  disabled = false,
  items,
  isLoading = false,
  value,
  valueLabel,
  onChange,
  onSearch,
  placeholder,
  empty,
}: ComboBoxProps) {
  const { t } = useLanguage();
  const [typed, setTyped] = useState<string | null>(null);
  const chosen = value === null ? "" : (items.find((item) => item.value === value)?.label ?? valueLabel ?? value);
  return (
    <AriaComboBox
      className="field"
      {...(ariaLabel === undefined ? {} : { "aria-label": ariaLabel })}
      items={items}
      inputValue={typed ?? chosen}
      onInputChange={(text) => {
        setTyped(text);
        onSearch(text);
        if (text === "" && value !== null) onChange(null);
      }}
      value={value}
      onChange={(key) => {
        setTyped(null);
        if (key !== null) onChange(String(key));
      }}
      onOpenChange={(open) => {
        if (open) onSearch("");
        else setTyped(null);
      }}
      onBlur={() => setTyped(null)}
      defaultFilter={() => true}
      allowsEmptyCollection
      menuTrigger="focus"
      isDisabled={disabled}
      isInvalid={error !== undefined && error !== null && error !== ""}
      isRequired={required}
    >
      {label !== null && (
        <Label className="field-label">
          {label}
          {!required && <span className="field-optional"> {t("optional")}</span>}
        </Label>
      )}
      <div className="control control-combo">
        <Input className="control-input" placeholder={placeholder ?? t("choose")} />
        <Button className="button button-quiet button-sm button-icon">
          <Icon name={isLoading ? "spinner" : "chevron-down"} size={14} />
        </Button>
      </div>
      {hint !== undefined && hint !== "" && (
        <Text slot="description" className="field-hint">
          {hint}
        </Text>
      )}
      <FieldError error={error} />
      <Popover className="popover">
        <ListBox<ComboItem>
          className="options"
          renderEmptyState={() => <div className="options-empty">{isLoading ? t("loading") : (empty ?? t("search.none"))}</div>}
        >
          {(item) => (
            <ListBoxItem id={item.value} textValue={item.label} className="option">
              <span className="option-label">{item.label}</span>
              {item.hint != null && item.hint !== "" && <span className="option-hint">{item.hint}</span>}
              <Icon name="check" size={14} className="option-check" />
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaComboBox>
  );
}
