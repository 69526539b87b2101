import { createContext, useContext, useEffect, useState } from "react";

import type { Language } from "./language";

export { Language, loadLanguage, localeOf, type Explained, type Key } from "./language";

export const LanguageContext = createContext<Language | null>(null);

/** The language in use: `const { t, text } = useLanguage()`. */
export function useLanguage(): Language {
  const language = useContext(LanguageContext);
  if (language === null) throw new Error("no language");
  return language;
}

/** The present moment, anew every so many seconds, so that "3 minutes ago" does not stand still. */
export function useNow(seconds = 30): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}

/** A moment told by its distance, with the exact one on hovering. */
export function Moment({ at, relative = true }: { at: string; relative?: boolean }) {
  const { formats } = useLanguage();
  const now = useNow();
  return (
    <time dateTime={at} title={formats.exact(at)}>
      {relative ? formats.relative(at, now) : formats.moment(at, now)}
    </time>
  );
}
