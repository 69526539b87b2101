// The few sentences that the element itself has to say, when there is no page yet that could.

import type { Phrases } from "./messages.js";

const english = {
  "embed.title": "Automations",
  "embed.signed-out": "Your session has ended. Sign in again to see your automations.",
  "embed.token": "Your automations cannot be shown right now, because this page could not confirm who you are.",
  "embed.unreachable": "Your automations cannot be shown right now. Please try again in a moment.",
  "embed.retry": "Try again",
};

type Key = keyof typeof english;

const german: Record<Key, string> = {
  "embed.title": "Automationen",
  "embed.signed-out": "Ihre Sitzung ist beendet. Melden Sie sich neu an, um Ihre Automationen zu sehen.",
  "embed.token": "Ihre Automationen können gerade nicht angezeigt werden, weil diese Seite Ihre Anmeldung nicht bestätigen konnte.",
  "embed.unreachable": "Ihre Automationen können gerade nicht angezeigt werden. Bitte versuchen Sie es gleich noch einmal.",
  "embed.retry": "Erneut versuchen",
};

/** The sentence for `key` in `locale`; the vendor's own comes first. */
export function phrase(key: Key, locale: string, own: Phrases): string {
  return own[key] ?? (locale.toLowerCase().startsWith("de") ? german : english)[key];
}
