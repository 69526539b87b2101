/** Who is written to: when something needs a person, and with reports, daily or of each success. */

import type { Contact, ProblemError } from "../api/types";
import { useLanguage } from "../i18n";
import { Button, Checkbox, Select, TextField } from "../ui";
import { errorAt } from "./schema";
import "./forms.css";

export interface ContactsEditorProps {
  value: readonly Contact[];
  onChange: (contacts: Contact[]) => void;
  errors?: readonly ProblemError[];
  /** Whether there are reports to get. */
  reports?: boolean;
  disabled?: boolean;
}

/** What is wrong before it is sent. */
export function checkContacts(contacts: readonly Contact[]): ProblemError[] {
  return contacts.flatMap((contact, index) => {
    const errors: ProblemError[] = [];
    if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(contact.email)) errors.push({ pointer: `/contacts/${index}/email`, code: "email", message: "" });
    if (!contact.alerts && !contact.report) errors.push({ pointer: `/contacts/${index}/alerts`, code: "nothing", message: "" });
    return errors;
  });
}

export function ContactsEditor({ value, onChange, errors = [], reports = true, disabled = false }: ContactsEditorProps) {
  const { t, locale } = useLanguage();
  const change = (index: number, part: Partial<Contact>) => onChange(value.map((contact, other) => (other === index ? { ...contact, ...part } : contact)));
  const says = (pointer: string) => {
    const error = errorAt(errors, pointer);
    if (error === undefined) return undefined;
    return error.message !== "" ? error.message : t(error.code === "nothing" ? "contacts.wrong.nothing" : "contacts.wrong.email");
  };
  return (
    <div className="contacts">
      <p className="muted small">{t("contacts.text")}</p>
      {value.map((contact, index) => {
        const nothing = says(`/contacts/${index}/alerts`);
        return (
          <fieldset key={index} className="contact" disabled={disabled}>
            <legend className="visually-hidden">{t("contacts.nth", { n: index + 1 })}</legend>
            <TextField
              label={t("contacts.email")}
              type="email"
              required
              value={contact.email}
              onChange={(email) => change(index, { email })}
              error={says(`/contacts/${index}/email`)}
            />
            <TextField
              label={t("contacts.name")}
              value={contact.name ?? ""}
              onChange={(name) => {
                const { name: _, ...rest } = contact;
                onChange(value.map((one, other) => (other === index ? (name === "" ? rest : { ...rest, name }) : one)));
              }}
            />
            <Select
              label={t("contacts.language")}
              required
              value={contact.language}
              onChange={(language) => change(index, { language })}
              choices={[
                { value: "en", label: t("language.en") },
                { value: "de", label: t("language.de") },
              ]}
            />
            <div className="contact-ticks">
              <Checkbox checked={contact.alerts} onChange={(alerts) => change(index, { alerts })} {...(nothing === undefined ? {} : { error: nothing })}>
                {t("contacts.alerts")}
              </Checkbox>
              {reports && (
                <Checkbox checked={contact.report} onChange={(report) => change(index, { report })}>
                  {t("contacts.report")}
                </Checkbox>
              )}
            </div>
            {!disabled && (
              <Button size="sm" look="quiet" icon="trash" aria-label={t("contacts.remove", { who: contact.email || t("contacts.nth", { n: index + 1 }) })} onPress={() => onChange(value.filter((_, other) => other !== index))}>
                {t("action.remove")}
              </Button>
            )}
          </fieldset>
        );
      })}
      {!disabled && (
        <Button size="sm" icon="plus" onPress={() => onChange([...value, { email: "", language: locale, alerts: true, report: false }])}>
          {t("contacts.add")}
        </Button>
      )}
    </div>
  );
}
