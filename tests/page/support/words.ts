/** The page's own words in both languages, so that tests name what a reader sees. */

import { phrases as de } from "../../../host/page/web/src/i18n/de";
import { phrases as en } from "../../../host/page/web/src/i18n/en";
import { fill, type Values } from "../../../host/page/web/src/i18n/catalogue";

export type Locale = "en" | "de";
export type Key = keyof typeof en;

export const LOCALES: readonly Locale[] = ["en", "de"];

export function words(locale: Locale): (key: Key, values?: Values) => string {
  const phrases = locale === "de" ? de : en;
  const plural = new Intl.PluralRules(locale);
  const number = new Intl.NumberFormat(locale);
  return (key, values = {}) => fill(phrases[key], values, plural, number);
}

/** Texts that flows and connectors bring along. */
export const TEXTS = {
  en: { employees: "Sync employees to reteach", certificates: "Sync certificates to Personio" },
  de: { employees: "Synchronisiere Mitarbeitende zu reteach", certificates: "Synchronisiere Zertifikate zu Personio" },
} as const;
