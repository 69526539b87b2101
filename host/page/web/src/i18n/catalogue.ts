/**
 * Phrases: English is the type, and a German catalogue that lacks one does not compile. A phrase holds `{names}`;
 * one that counts has forms by the language's own plural rules, chosen by `n`.
 */

/** A text, or one by the plural form that `n` takes. */
export type Phrase = string | { readonly one: string; readonly other: string };

/** The same keys in another language; what counts in English counts there too. */
export type Translation<English> = {
  readonly [Key in keyof English]: English[Key] extends string ? string : { readonly one: string; readonly other: string };
};

export type Values = Readonly<Record<string, string | number>>;

/** Puts values into a phrase's places; numbers are written as the language does. */
export function fill(phrase: Phrase, values: Values, plural: Intl.PluralRules, number: Intl.NumberFormat): string {
  let text: string;
  if (typeof phrase === "string") text = phrase;
  else text = plural.select(Number(values["n"])) === "one" ? phrase.one : phrase.other;
  return text.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === "number" ? number.format(value) : value;
  });
}

/** What a code means to whoever reads it, and what can be done about it. */
export interface Meaning {
  readonly says: string;
  readonly advice?: string;
  /** The server's own sentence names what the code cannot: it is shown too. */
  readonly more?: true;
}
