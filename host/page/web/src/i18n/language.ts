/** One language in use: phrases, a vendor's own wording of them, what codes mean, and how figures are written. */

import type { Cadence, Failure, OutcomeKind, Records, Text } from "../api/types";
import { ApiProblem, NoAnswer } from "../api/problem";
import { fill, type Meaning, type Phrase, type Values } from "./catalogue";
import type { codes as englishCodes, phrases as englishPhrases } from "./en";
import { Formats } from "./format";

export type Key = keyof typeof englishPhrases;
export type Phrases = Readonly<Record<Key, Phrase>>;
type Codes = { readonly [Part in keyof typeof englishCodes]: Readonly<Record<string, Meaning>> };
export type Locale = "en" | "de";

/** Something that went wrong, as it is shown. */
export interface Explained {
  says: string;
  advice: string | null;
  /** The server's or the other system's own words, where they say more. */
  detail: string | null;
  /** The page's own sentence says it; theirs are for whoever looks after the other system. */
  folded: boolean;
}

export function localeOf(wanted: string): Locale {
  return wanted.toLowerCase().startsWith("de") ? "de" : "en";
}

export class Language {
  readonly locale: Locale;
  readonly formats: Formats;
  readonly #phrases: Phrases;
  readonly #codes: Codes;
  readonly #overrides: Readonly<Record<string, string>>;

  constructor(locale: Locale, phrases: Phrases, codes: Codes, wanted: string = locale, overrides: Readonly<Record<string, string>> = {}) {
    this.locale = locale;
    // "de-AT" words as German and writes dates as Austrians do.
    this.formats = new Formats(localeOf(wanted) === locale && Intl.DateTimeFormat.supportedLocalesOf([wanted]).length > 0 ? wanted : locale);
    this.#phrases = phrases;
    this.#codes = codes;
    this.#overrides = overrides;
  }

  /** A phrase, as the vendor words it or as the catalogue does. */
  t = (key: Key, values: Values = {}): string => {
    const phrase: Phrase = this.#overrides[key] ?? this.#phrases[key];
    return fill(phrase, values, this.formats.plural, this.formats.number);
  };

  /** A text of the API in this language, else in English, else in any. */
  text = (text: Text | null | undefined): string => {
    if (text === null || text === undefined) return "";
    return text[this.locale] ?? text["en"] ?? Object.values(text)[0] ?? "";
  };

  kind = (records: Records, kind: OutcomeKind): string => this.t(`kind.${records}.${kind}`);

  /** Why a record got its outcome; an unknown code is told in the server's words. */
  outcome = (code: string | null, reason: string | null): Explained => {
    const meaning = code === null ? undefined : (this.#codes.outcomes[code] ?? this.#codes.failures[code]);
    return explained(meaning, reason ?? code ?? "");
  };

  /** What went wrong in a run or a test. */
  failure = (failure: Failure): Explained => {
    const byCode = failure.code == null ? undefined : this.#codes.failures[failure.code];
    const meaning = byCode ?? this.#codes.failures[`kind:${failure.kind}`];
    // A kind is less than a code: where everybody reads the server's language, its sentence stays in view.
    const folded = byCode !== undefined || this.locale !== "en";
    return { ...explained(meaning, failure.message), detail: meaning === undefined ? null : sentence(failure.message), folded };
  };

  /** Why a request was refused or did not arrive. */
  error = (error: unknown): Explained => {
    if (error instanceof NoAnswer) return { says: this.t("unreachable"), advice: this.t("unreachable.text"), detail: null, folded: false };
    if (error instanceof ApiProblem) {
      const told = explained(this.#codes.problems[error.code], error.detail || error.title);
      // What another system has said, word by word; of a connection the page says all that everybody needs.
      const known = { ...told, folded: error.code === "connect.not-ended" || (error.code === "remote.failed" && this.locale !== "en") };
      const errors = error.errors.map((one) => one.message).filter((message) => message !== "");
      if (known.detail !== null && errors.length > 0) return { ...known, detail: errors.map(sentence).join(" ") };
      return known;
    }
    return { says: this.t("error.crash"), advice: null, detail: error instanceof Error ? error.message : null, folded: true };
  };

  /** What a problem's code means, for a place that shows nothing else. */
  problem = (code: string): Meaning | undefined => this.#codes.problems[code];

  cadence = (cadence: Cadence): string => {
    if (cadence.kind === "on-demand") return this.t("cadence.on-demand");
    if (cadence.kind === "cron") {
      const daily = /^(\d{1,2}) (\d{1,2}(?:,\d{1,2})*) \* \* \*$/.exec(cadence.expression);
      if (daily === null) return this.t("cadence.cron", { expression: cadence.expression, zone: cadence.time_zone });
      const hours = (daily[2] ?? "").split(",").map(Number);
      const times = hours.sort((one, other) => one - other).map((hour) => this.formats.time(new Date(2000, 0, 1, hour, Number(daily[1]))));
      return this.t("cadence.daily", { time: this.formats.list(times), zone: cadence.time_zone });
    }
    const { seconds } = cadence;
    if (seconds % 86_400 === 0) return this.t("cadence.days", { n: seconds / 86_400 });
    if (seconds % 3_600 === 0) return this.t("cadence.hours", { n: seconds / 3_600 });
    if (seconds % 60 === 0) return this.t("cadence.minutes", { n: seconds / 60 });
    return this.t("cadence.seconds", { n: seconds });
  };
}

function explained(meaning: Meaning | undefined, own: string): Explained {
  if (meaning === undefined) return { says: sentence(own), advice: null, detail: null, folded: false };
  return { says: meaning.says, advice: meaning.advice ?? null, detail: meaning.more === true && own !== "" ? sentence(own) : null, folded: false };
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The server's reasons begin in lower case and have no full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  const begun = capital(trimmed);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** Loads a language; the other one is never sent. */
export async function loadLanguage(wanted: string, overrides: Readonly<Record<string, string>> = {}): Promise<Language> {
  const locale = localeOf(wanted);
  const { phrases, codes } = locale === "de" ? await import("./de") : await import("./en");
  return new Language(locale, phrases, codes, wanted, overrides);
}
