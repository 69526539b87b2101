/** What somebody has to do about an automation, each with the one thing to do next. */

import { useAutomationAction } from "../../api/hooks";
import type { Automation } from "../../api/types";
import { type Explained, type Language, useLanguage, useNow } from "../../i18n";
import { paths } from "../../router/router";
import { useIsOwner } from "../../session/context";
import { Button, Detail, Icon, type IconName, LinkButton, Notice } from "../../ui";

/** Whether an owner has to do something. */
export function needsSomebody(one: Automation): boolean {
  return one.state !== "deactivated" && (one.hold !== null || one.overdue || one.staged > 0 || one.doubtful > 0);
}

interface Matter {
  id: "hold" | "staged" | "doubtful" | "overdue";
  tone: "bad" | "warn";
  icon: IconName;
  title: string;
  /** What the other system said. */
  own: Pick<Explained, "detail" | "folded"> | null;
  advice: string;
  /** Since when, and what it does by itself. */
  since: string | null;
  /** Where it is put right. */
  to: string;
  action: string;
}

/** What there is to do about one automation, the most pressing first. */
function mattersOf(automation: Automation, { t, failure, formats }: Language, now: Date): Matter[] {
  const { hold, staged, doubtful, overdue, state, id } = automation;
  const matters: Matter[] = [];
  if (hold !== null && (state === "paused" || state === "quarantined")) {
    const { says, advice, detail, folded } = failure(hold.failure);
    const { kind } = hold.failure;
    const [to, action] =
      kind === "config"
        ? [paths.automation(id, "settings"), t("attention.fix.settings")]
        : kind === "auth" || kind === "permission"
          ? [paths.automation(id, "credentials"), t("attention.fix.credentials")]
          : [paths.automation(id, "runs"), t("attention.fix.runs")];
    const paused = state === "paused";
    matters.push({
      id: "hold",
      tone: paused ? "bad" : "warn",
      icon: paused ? "pause-circle" : "alert-triangle",
      title: t(paused ? "attention.paused" : "attention.quarantined", { reason: says }),
      own: { detail: advice === null ? null : detail, folded },
      advice: advice ?? detail ?? "",
      since: t(paused ? "attention.paused.since" : "attention.quarantined.since", { when: formats.relative(hold.since, now) }),
      to,
      action,
    });
  }
  const decide = { tone: "warn", own: null, since: null, to: paths.automation(id) } as const;
  if (staged > 0) {
    matters.push({ ...decide, id: "staged", icon: "shield", title: t("attention.staged", { n: staged }), advice: t("attention.staged.text"), action: t("attention.review") });
  }
  if (doubtful > 0) {
    matters.push({ ...decide, id: "doubtful", icon: "file", title: t("attention.doubtful", { n: doubtful }), advice: t("attention.doubtful.text"), action: t("attention.decide") });
  }
  if (overdue && hold === null) {
    matters.push({ ...decide, id: "overdue", icon: "clock", title: t("attention.overdue"), advice: t("attention.overdue.text"), to: paths.automation(id, "runs"), action: t("attention.fix.runs") });
  }
  return matters;
}

/** In My Flows: what is to be done, whose it is, and where. The first is the next useful thing to do. */
export function AttentionList({ automations }: { automations: readonly Automation[] }) {
  const language = useLanguage();
  const { t, text } = language;
  const now = useNow();
  const owner = useIsOwner();
  const rows = automations.flatMap((automation) => mattersOf(automation, language, now).map((matter) => ({ automation, matter })));
  return (
    <section className="needs" aria-labelledby="needs-title">
      <h2 id="needs-title" className="needs-title">
        {t("flows.attention")}
      </h2>
      <ul>
        {rows.map(({ automation, matter }, index) => (
          <li key={`${automation.id} ${matter.id}`} className="need">
            <span className="need-icon" data-tone={matter.tone}>
              <Icon name={matter.icon} />
            </span>
            <div className="need-text">
              <div className="need-title">{matter.title}</div>
              <div className="need-whose">
                {text(automation.title)} · {automation.source.name} → {automation.target.name}
              </div>
              <div className="muted">{matter.advice}</div>
            </div>
            <LinkButton size="sm" to={matter.to} look={index === 0 && owner ? "primary" : "plain"}>
              {matter.action}
            </LinkButton>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** On an automation's own screen. What the screen shows below is not announced above it. */
export function Attention({ automation, isOverview }: { automation: Automation; isOverview: boolean }) {
  const language = useLanguage();
  const { t } = language;
  const now = useNow();
  const owner = useIsOwner();
  const adopt = useAutomationAction(automation.id);
  const matters = mattersOf(automation, language, now).filter(({ id }) => !isOverview || (id !== "staged" && id !== "doubtful"));
  const update = isOverview && automation.update_available;
  if (matters.length === 0 && !update) return null;
  return (
    <div className="attention">
      {matters.map((matter) => (
        <Notice
          key={matter.id}
          tone={matter.tone}
          icon={matter.icon}
          title={matter.title}
          actions={
            (owner || matter.id !== "hold") && (
              <LinkButton size="sm" to={matter.to} look={owner && matter.id === "hold" && automation.state === "paused" ? "primary" : "plain"}>
                {matter.action}
              </LinkButton>
            )
          }
        >
          {[matter.advice, matter.since].map((line) => line !== null && line !== "" && <div key={line}>{line}</div>)}
          {matter.own !== null && <Detail of={matter.own} />}
        </Notice>
      ))}
      {update && (
        <Notice
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
          {t("attention.update.text", { version: automation.version ?? "–" })}
        </Notice>
      )}
    </div>
  );
}
