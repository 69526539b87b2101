import { describe, expect, it } from "vitest";

import { ApiProblem, NoAnswer } from "../api/problem";
import type { Phrase } from "./catalogue";
import * as de from "./de";
import * as en from "./en";
import { Formats } from "./format";
import { Language, localeOf } from "./language";

const german = new Language("de", de.phrases, de.codes);
const english = new Language("en", en.phrases, en.codes);

const places = (phrase: Phrase) =>
  [...new Set((typeof phrase === "string" ? phrase : phrase.one + phrase.other).match(/\{\w+\}/g) ?? [])].sort();

describe("phrases", () => {
  it("have the same places in both languages", () => {
    const differing = Object.entries(en.phrases).filter(
      ([key, phrase]) => places(phrase).join() !== places((de.phrases as Record<string, Phrase>)[key] ?? "").join(),
    );
    expect(differing.map(([key]) => key)).toEqual([]);
  });

  it("count as the language does", () => {
    expect(english.t("records.people", { n: 1 })).toBe("1 person");
    expect(english.t("records.people", { n: 1200 })).toBe("1,200 people");
    expect(german.t("records.people", { n: 1200 })).toBe("1.200 Personen");
  });

  it("are worded by the vendor where it wants", () => {
    const own = new Language("en", en.phrases, en.codes, "en", { "nav.automations": "Integrations", "records.people": "{n} members" });
    expect(own.t("nav.automations")).toBe("Integrations");
    expect(own.t("records.people", { n: 1 })).toBe("1 members");
    expect(own.t("nav.catalogue")).toBe("Catalogue");
  });

  it("leave a place that nobody fills", () => {
    expect(english.t("error.code")).toBe("Code: {code}");
  });
});

describe("texts of the API", () => {
  it("are taken in this language, else in English, else in any", () => {
    expect(german.text({ en: "a", de: "b" })).toBe("b");
    expect(german.text({ en: "a" })).toBe("a");
    expect(german.text({ fr: "c" })).toBe("c");
    expect(german.text(null)).toBe("");
  });
});

describe("codes", () => {
  it("are worded, with advice", () => {
    expect(german.outcome("account-taken", "the matching account belongs to another person")).toEqual({
      says: "Das passende Konto gehört zu einer anderen Person der Quelle.",
      advice: expect.stringContaining("Berichtigen Sie") as string,
      detail: null,
      folded: false,
    });
  });

  it("show the server's sentence too where it names what the code cannot", () => {
    expect(german.outcome("missing-attribute", 'the attribute "email" is empty').detail).toBe('The attribute "email" is empty.');
  });

  it("that are unknown are told in the server's words", () => {
    expect(english.outcome("brand-new", "the seats are all taken")).toEqual({ says: "The seats are all taken.", advice: null, detail: null, folded: false });
    expect(english.outcome(null, null).says).toBe("");
  });

  it("of failures fall back to their kind", () => {
    const failure = { kind: "auth", code: "E-17", message: "rejected by the academy" } as const;
    expect(english.failure(failure).says).toBe("The credentials were rejected");
    expect(english.failure({ ...failure, code: "invalid_client" }).says).toBe("Client ID or client secret is wrong");
    expect(english.failure(failure).detail).toBe("Rejected by the academy.");
  });

  it("of an end that was not heard of say what is true in any case, and the rest behind a line", () => {
    const detail = "Kombo was asked and has not answered: no answer in time; the credential is kept, and …";
    const problem = new ApiProblem({ type: "", title: "", status: 424, code: "connect.not-ended", detail });
    for (const language of [english, german]) expect(language.error(problem)).toMatchObject({ detail, folded: true });
    expect(english.error(problem).says).toBe("It is not certain that the connection has ended.");
  });

  it("keep English sentences behind a line where the page has one of its own", () => {
    const failure = { kind: "auth", code: "E-17", message: "rejected by the academy" } as const;
    expect(german.failure(failure)).toMatchObject({ says: "Die Zugangsdaten wurden abgelehnt", detail: "Rejected by the academy.", folded: true });
    expect(english.failure(failure).folded).toBe(false);
    expect(english.failure({ ...failure, code: "invalid_client" }).folded).toBe(true);
    const remote = new ApiProblem({ type: "", title: "", status: 424, code: "remote.failed", detail: "Personio is not available" });
    expect(german.error(remote)).toMatchObject({ detail: "Personio is not available.", folded: true });
    expect(english.error(remote).folded).toBe(false);
    // What names the field is needed by everybody.
    expect(german.outcome("missing-attribute", "the attribute is empty").folded).toBe(false);
  });

  it("of problems say what to do; no answer is told as such", () => {
    const problem = (code: string) => new ApiProblem({ type: "", title: "T", status: 409, code, detail: "server's words" });
    expect(german.error(problem("automation.deactivated"))).toEqual({ says: "Die Automation ist deaktiviert.", advice: "Reaktivieren Sie sie zuerst.", detail: null, folded: false });
    expect(german.error(problem("brand.new")).says).toBe("Server's words.");
    expect(english.error(new NoAnswer(null)).says).toBe("The server cannot be reached");
  });
});

describe("schedules", () => {
  it("are told in words", () => {
    expect(english.cadence({ kind: "every", seconds: 300 })).toBe("every 5 minutes");
    expect(german.cadence({ kind: "every", seconds: 3600 })).toBe("jede Stunde");
    expect(german.cadence({ kind: "cron", expression: "30 6 * * *", time_zone: "Europe/Berlin" })).toBe("täglich um 06:30 (Europe/Berlin)");
    expect(english.cadence({ kind: "cron", expression: "0 17,5 * * *", time_zone: "Europe/Berlin" })).toMatch(/^daily at .*5.*and .*\(Europe\/Berlin\)$/);
    expect(german.cadence({ kind: "cron", expression: "0 5,17 * * *", time_zone: "Europe/Berlin" })).toBe("täglich um 05:00 und 17:00 (Europe/Berlin)");
    expect(english.cadence({ kind: "cron", expression: "0 6 * * 1-5", time_zone: "UTC" })).toBe("by the expression 0 6 * * 1-5 (UTC)");
  });
});

describe("moments and figures", () => {
  const formats = new Formats("en", "Europe/Berlin");
  const now = new Date("2026-11-22T12:00:00Z");
  it.each([
    ["2026-11-22T11:59:40Z", "now"],
    ["2026-11-22T11:57:00Z", "3 minutes ago"],
    ["2026-11-22T11:59:10Z", "1 minute ago"],
    ["2026-11-22T14:00:00Z", "in 2 hours"],
    ["2026-11-21T12:00:00Z", "yesterday"],
    ["2026-05-22T12:00:00Z", "6 months ago"],
  ])("%s is %s", (at, told) => {
    expect(formats.relative(at, now)).toBe(told);
  });

  it.each([
    [250, "250 ms"],
    [4200, "4.2 sec"],
    [59_999, "60 sec"],
    [200_000, "3 min 20 sec"],
    [3_600_000, "1 hr"],
    [3_900_000, "1 hr 5 min"],
  ])("%i ms are %s", (milliseconds, told) => {
    expect(formats.duration(milliseconds)).toBe(told);
  });

  it("names the year of another year", () => {
    expect(formats.moment("2025-03-01T12:00:00Z", now)).toBe("Mar 1, 2025");
  });
});

it("knows two languages", () => {
  expect(["de", "de-AT", "en", "fr", ""].map(localeOf)).toEqual(["de", "de", "en", "en", "en"]);
});
