/** What a screen says of itself: a notice, that there is nothing, that it loads, that it could not. */

import type { ReactNode } from "react";

import { ApiProblem, NoAnswer } from "../api/problem";
import { useLanguage } from "../i18n";
import { Button } from "./Button";
import { Detail } from "./Detail";
import { Icon, type IconName } from "./icons";
import "./notice.css";

export type Tone = "info" | "good" | "warn" | "bad";

const icons: Record<Tone, IconName> = { info: "info", good: "check-circle", warn: "alert-triangle", bad: "alert-circle" };

export interface NoticeProps {
  tone?: Tone;
  title: ReactNode;
  children?: ReactNode;
  /** What can be done about it. */
  actions?: ReactNode;
  icon?: IconName;
}

export function Notice({ tone = "info", title, children, actions, icon }: NoticeProps) {
  return (
    <div className={`notice notice-${tone}`} role={tone === "bad" || tone === "warn" ? "alert" : "status"}>
      <Icon name={icon ?? icons[tone]} className="notice-icon" />
      <div className="notice-text">
        <div className="notice-title">{title}</div>
        {children !== undefined && children !== null && children !== "" && <div className="notice-more">{children}</div>}
      </div>
      {actions !== undefined && <div className="notice-actions">{actions}</div>}
    </div>
  );
}

export interface EmptyProps {
  icon?: IconName;
  title: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
  /** Within something else, not a screen of its own. */
  small?: boolean;
}

export function Empty({ icon, title, children, action, small = false }: EmptyProps) {
  return (
    <div className={small ? "empty empty-small" : "empty"}>
      {icon !== undefined && (
        <span className="empty-icon">
          <Icon name={icon} size={20} />
        </span>
      )}
      <div className="empty-title">{title}</div>
      {children !== undefined && <div className="empty-text">{children}</div>}
      {action !== undefined && <div className="empty-action">{action}</div>}
    </div>
  );
}

/** Something could not be loaded; says why and how to go on. */
export function ErrorState({ error, onRetry, small = false }: { error: unknown; onRetry?: () => void; small?: boolean }) {
  const { t, error: explain } = useLanguage();
  const explained = explain(error);
  const { says, advice } = explained;
  const code = error instanceof ApiProblem ? error.code : null;
  return (
    <div role="alert">
      <Empty
        small={small}
        icon={error instanceof NoAnswer ? "cloud-off" : "alert-circle"}
        title={error instanceof NoAnswer ? says : t("error.title")}
        action={onRetry !== undefined && <Button icon="refresh" onPress={onRetry}>{t("action.retry")}</Button>}
      >
        {error instanceof NoAnswer ? advice : [says, advice].filter(Boolean).join(" ")}
        <Detail of={explained} />
        {code !== null && <div className="error-code">{t("error.code", { code })}</div>}
      </Empty>
    </div>
  );
}

/** The outline of what is being loaded; widths in per cent of the line. */
export function Skeleton({ lines = [60], height = 12 }: { lines?: readonly number[]; height?: number }) {
  return (
    <div className="skeleton" aria-hidden="true">
      {lines.map((width, index) => (
        <span key={index} style={{ width: `${width}%`, height }} />
      ))}
    </div>
  );
}

/** Says to a screen reader that something is being loaded, while others see outlines. */
export function Loading({ children }: { children: ReactNode }) {
  const { t } = useLanguage();
  return (
    <div role="status" aria-busy="true">
      <span className="visually-hidden">{t("loading")}</span>
      {children}
    </div>
  );
}
