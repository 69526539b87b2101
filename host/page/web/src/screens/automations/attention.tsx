/** What somebody has to do about an automation, each with the one thing to do next. */

import type { ReactNode } from "react";

import { useAutomationAction } from "../../api/hooks";
import type { Automation } from "../../api/types";
import { useLanguage, useNow } from "../../i18n";
import { paths } from "../../router/router";
import { useIsOwner } from "../../session/context";
import { Button, LinkButton, Notice } from "../../ui";

/** Whether an owner has to do something. */
export function needsSomebody(one: Automation): boolean {
  return one.state !== "deactivated" && (one.hold !== null || one.overdue || one.staged > 0 || one.doubtful > 0);
}

/** `inList`: says whose it is, and leads there. */
export function Attention({ automation, inList = false }: { automation: Automation; inList?: boolean }) {
  const { t, text, failure, formats } = useLanguage();
  const now = useNow();
  const owner = useIsOwner();
  const adopt = useAutomationAction(automation.id);
  const { hold, staged, doubtful, overdue, state, id } = automation;
  const notices: ReactNode[] = [];
  const whose = inList ? `${text(automation.title)} · ${automation.source.name} → ${automation.target.name}` : null;
  const about = (...parts: (string | null)[]) => (
    <>
      {whose !== null && <div className="notice-whose">{whose}</div>}
      {parts
        .filter((one): one is string => one !== null && one !== "")
        .map((one) => (
          <div key={one}>{one}</div>
        ))}
    </>
  );
  const when = (at: string) => formats.relative(at, now);

  if (hold !== null && (state === "paused" || state === "quarantined")) {
    const { says, advice, detail } = failure(hold.failure);
    const paused = state === "paused";
    const { kind } = hold.failure;
    const fix =
      kind === "config"
        ? { to: paths.automation(id, "settings"), title: t("attention.fix.settings") }
        : kind === "auth" || kind === "permission"
          ? { to: paths.automation(id, "credentials"), title: t("attention.fix.credentials") }
          : { to: paths.automation(id, "runs"), title: t("attention.fix.runs") };
    notices.push(
      <Notice
        key="hold"
        tone={paused ? "bad" : "warn"}
        icon={paused ? "pause-circle" : "alert-triangle"}
        title={t(paused ? "attention.paused" : "attention.quarantined", { reason: says })}
        actions={owner && <LinkButton size="sm" to={fix.to}>{fix.title}</LinkButton>}
      >
        {about(detail, advice, t(paused ? "attention.paused.since" : "attention.quarantined.since", { when: when(hold.since) }))}
      </Notice>,
    );
  }
  if (staged > 0) {
    notices.push(
      <Notice
        key="staged"
        tone="warn"
        icon="shield"
        title={t("attention.staged", { n: staged })}
        actions={inList && <LinkButton size="sm" to={paths.automation(id)}>{t("attention.review")}</LinkButton>}
      >
        {about(t("attention.staged.text"))}
      </Notice>,
    );
  }
  if (doubtful > 0) {
    notices.push(
      <Notice
        key="doubtful"
        tone="warn"
        icon="file"
        title={t("attention.doubtful", { n: doubtful })}
        actions={inList && <LinkButton size="sm" to={paths.automation(id)}>{t("attention.decide")}</LinkButton>}
      >
        {about(t("attention.doubtful.text"))}
      </Notice>,
    );
  }
  if (overdue && hold === null) {
    notices.push(
      <Notice key="overdue" tone="warn" icon="clock" title={t("attention.overdue")}>
        {about(t("attention.overdue.text"))}
      </Notice>,
    );
  }
  if (!inList && automation.update_available) {
    notices.push(
      <Notice
        key="update"
        icon="refresh"
        title={t("attention.update")}
        actions={
          owner && (
            <Button size="sm" isPending={adopt.isPending} onPress={() => adopt.mutate({ action: "adopt" })}>
              {t("attention.update.do")}
            </Button>
          )
        }
      >
        {t("attention.update.text", { version: automation.version })}
      </Notice>,
    );
  }
  return notices.length === 0 ? null : <div className="attention">{notices}</div>;
}
