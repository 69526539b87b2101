/** How something stands: an icon, a word and a colour, in this order of weight. */

import type { AutomationState, RunStatus } from "../api/types";
import { useLanguage } from "../i18n";
import { Icon, type IconName } from "./icons";
import "./small.css";

export type StatusTone = "good" | "warn" | "bad" | "busy" | "off";

export function Status({ tone, icon, children, pill = false }: { tone: StatusTone; icon: IconName; children: string; pill?: boolean }) {
  return (
    <span className={pill ? "status status-pill" : "status"} data-tone={tone}>
      <Icon name={icon} size={14} />
      <span>{children}</span>
    </span>
  );
}

const runs: Record<RunStatus | "interrupted", { tone: StatusTone; icon: IconName }> = {
  running: { tone: "busy", icon: "spinner" },
  interrupted: { tone: "busy", icon: "clock" },
  succeeded: { tone: "good", icon: "check-circle" },
  partial: { tone: "warn", icon: "alert-triangle" },
  failed: { tone: "bad", icon: "x-circle" },
  stopped: { tone: "off", icon: "minus-circle" },
};

export function RunStatusMark({ status }: { status: RunStatus }) {
  const { t } = useLanguage();
  const known = runs[status] ?? { tone: "off", icon: "circle" };
  return (
    <Status tone={known.tone} icon={known.icon}>
      {status in runs ? t(`run.status.${status}`) : status}
    </Status>
  );
}

const states: Record<AutomationState, { tone: StatusTone; icon: IconName }> = {
  active: { tone: "good", icon: "check-circle" },
  quarantined: { tone: "warn", icon: "alert-triangle" },
  paused: { tone: "bad", icon: "pause-circle" },
  deactivated: { tone: "off", icon: "minus-circle" },
};

export function StateMark({ state, running, pill = false }: { state: AutomationState; running: boolean; pill?: boolean }) {
  const { t } = useLanguage();
  if (running && state === "active") {
    return (
      <Status tone="busy" icon="spinner" pill={pill}>
        {t("state.running")}
      </Status>
    );
  }
  const { tone, icon } = states[state];
  return (
    <Status tone={tone} icon={icon} pill={pill}>
      {t(`state.${state}`)}
    </Status>
  );
}
