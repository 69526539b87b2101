/** What a test of credentials found: right by right, what is missing first. */

import { useState } from "react";

import type { CredentialTest, Finding } from "../../api/types";
import { useLanguage } from "../../i18n";
import { capital, sentence } from "../../i18n/language";
import { Button, Detail, Icon, Progress, Status } from "../../ui";
import "./credentials.css";

/** So many rights that are there are shown at once. */
const IN_VIEW = 4;

export const missingOf = (test: CredentialTest): Finding[] => test.findings.filter((finding) => !finding.ok);

export function Testing({ system }: { system: string }) {
  const { t } = useLanguage();
  return (
    <div className="test" role="status">
      <div className="test-head">
        <Status tone="busy" icon="spinner">
          {t("credentials.testing", { system })}
        </Status>
      </div>
      <Progress label={t("credentials.testing", { system })} value={0} total={null} />
    </div>
  );
}

export interface TestResultProps {
  test: CredentialTest;
  system: string;
  onAgain?: (() => void) | undefined;
  /** Leads to entering them anew. */
  onReplace?: (() => void) | undefined;
  /** The fields, or the way to them, are right here: what to do about a refusal goes without saying. */
  brief?: boolean;
}

export function TestResult({ test, system, onAgain, onReplace, brief = false }: TestResultProps) {
  const { t, failure: explain } = useLanguage();
  const [all, setAll] = useState(false);
  const missing = missingOf(test);
  const there = test.findings.filter((finding) => finding.ok);
  const shown = all ? there : there.slice(0, IN_VIEW);
  const failure = test.failure === null ? null : explain(test.failure);
  const tone = failure !== null ? "bad" : missing.length > 0 ? "warn" : "good";
  const title =
    failure !== null ? failure.says : missing.length > 0 ? t("credentials.result.findings", { system, n: missing.length }) : t("credentials.result.ok", { system });
  return (
    <div className="test" data-tone={tone} role={tone === "good" ? "status" : "alert"}>
      <div className="test-head">
        <Icon name={tone === "good" ? "check-circle" : tone === "warn" ? "alert-triangle" : "x-circle"} size={18} className="test-mark" />
        <div className="test-title">
          <strong>{title}</strong>
          {test.account !== null && <span className="muted small">{t("credentials.result.account", { account: test.account })}</span>}
          {failure !== null && (
            <div className="small">
              {!brief && failure.advice}
              <Detail of={failure} />
            </div>
          )}
        </div>
        {(onReplace !== undefined || onAgain !== undefined) && (
          <div className="test-actions">
            {onReplace !== undefined && (
              <Button size="sm" onPress={onReplace}>
                {t("credentials.replace")}
              </Button>
            )}
            {onAgain !== undefined && (
              <Button size="sm" icon="refresh" onPress={onAgain}>
                {t("credentials.test.again")}
              </Button>
            )}
          </div>
        )}
      </div>
      {failure === null && test.findings.length === 0 && <p className="test-none small muted">{t("credentials.result.all")}</p>}
      {test.findings.length > 0 && (
        <ul className="rights" aria-label={t("credentials.result.label")}>
          {[...missing, ...shown].map((finding, index) => (
            <li key={index} className="right">
              <Status tone={finding.ok ? "good" : "warn"} icon={finding.ok ? "check" : "alert-triangle"}>
                {t(finding.ok ? "credentials.result.granted" : "credentials.result.missing")}
              </Status>
              <span className="right-subject">{capital(finding.subject)}</span>
              <span className="right-says">{sentence(finding.message)}</span>
            </li>
          ))}
        </ul>
      )}
      {there.length > shown.length && (
        <Button size="sm" look="quiet" onPress={() => setAll(true)}>
          {t("start.preview.more", { n: there.length - shown.length })}
        </Button>
      )}
    </div>
  );
}
