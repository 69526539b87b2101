/** Dates, numbers and lists as the language writes them; moments are told in the reader's own time zone. */

export class Formats {
  readonly locale: string;
  readonly plural: Intl.PluralRules;
  readonly number: Intl.NumberFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #exact: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #relative: Intl.RelativeTimeFormat;
  readonly #bytes: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #list: Intl.ListFormat;

  constructor(locale: string, timeZone?: string) {
    const zone = timeZone === undefined ? {} : { timeZone };
    this.locale = locale;
    this.plural = new Intl.PluralRules(locale);
    this.number = new Intl.NumberFormat(locale);
    this.#moment = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", ...zone });
    this.#exact = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long", ...zone });
    this.#day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", ...zone });
    this.#time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", ...zone });
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
    this.#bytes = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
    this.#list = new Intl.ListFormat(locale, { type: "conjunction" });
  }

  /** `22 Nov, 08:14`; with the year if it is another one. */
  moment(at: string | Date, now: Date = new Date()): string {
    const date = new Date(at);
    if (date.getFullYear() !== now.getFullYear()) return this.#day.format(date);
    return this.#moment.format(date);
  }

  /** Everything, with seconds and time zone: for a tooltip. */
  exact(at: string | Date): string {
    return this.#exact.format(new Date(at));
  }

  day(at: string | Date): string {
    return this.#day.format(new Date(at));
  }

  time(at: string | Date): string {
    return this.#time.format(new Date(at));
  }

  /** `3 minutes ago`, `in 2 hours`; a moment is told as `now`. */
  relative(at: string | Date, now: Date = new Date()): string {
    const seconds = (new Date(at).getTime() - now.getTime()) / 1000;
    const size = Math.abs(seconds);
    if (size < 45) return this.#relative.format(0, "second");
    if (size < 45 * 60) return this.#relative.format(Math.sign(seconds) * Math.max(1, Math.round(size / 60)), "minute");
    if (size < 22 * 3600) return this.#relative.format(Math.round(seconds / 3600), "hour");
    if (size < 26 * 86_400) return this.#relative.format(Math.round(seconds / 86_400), "day");
    if (size < 320 * 86_400) return this.#relative.format(Math.round(seconds / (30.4 * 86_400)), "month");
    return this.#relative.format(Math.round(seconds / (365.25 * 86_400)), "year");
  }

  /** `4.2 s`, `3 min 20 s`, `1 h 5 min`. */
  duration(milliseconds: number): string {
    const seconds = Math.max(0, milliseconds / 1000);
    const unit = (value: number, name: string, digits = 0) =>
      new Intl.NumberFormat(this.locale, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits }).format(value);
    if (seconds < 1) return unit(Math.round(milliseconds), "millisecond");
    if (seconds < 10) return unit(seconds, "second", 1);
    if (seconds < 60) return unit(Math.round(seconds), "second");
    const whole = Math.round(seconds);
    if (whole < 3600) return [unit(Math.floor(whole / 60), "minute"), whole % 60 === 0 ? "" : unit(whole % 60, "second")].join(" ").trim();
    const minutes = Math.round(whole / 60);
    return [unit(Math.floor(minutes / 60), "hour"), minutes % 60 === 0 ? "" : unit(minutes % 60, "minute")].join(" ").trim();
  }

  bytes(size: number): string {
    const units = ["B", "KB", "MB", "GB"];
    let value = size;
    let unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit += 1;
    }
    return `${this.#bytes.format(value)} ${units[unit]}`;
  }

  percent(share: number): string {
    return this.#percent.format(share);
  }

  list(items: readonly string[]): string {
    return this.#list.format(items);
  }
}
