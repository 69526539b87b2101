/** Small things: a picture of somebody, a connector's icon, the health of the last runs, progress, a text to copy. */

import { useEffect, useState } from "react";

import type { HealthBar } from "../api/types";
import { useLanguage } from "../i18n";
import { Button } from "./Button";
import { Icon, type IconName } from "./icons";
import "./small.css";

/** A picture from elsewhere, or the initials. Only https is loaded. */
export function Avatar({ name, picture, size = 20 }: { name: string; picture?: string | null; size?: number }) {
  const [broken, setBroken] = useState(false);
  const initials = name
    .split(/\s+/)
    .filter((word) => word !== "")
    .map((word) => word.charAt(0))
    .filter((_, index, all) => index === 0 || index === all.length - 1)
    .join("")
    .toUpperCase();
  const style = { width: size, height: size, fontSize: Math.round(size * 0.42) };
  if (picture != null && /^(https:|data:image\/)/.test(picture) && !broken) {
    return <img className="avatar" style={style} src={picture} alt="" referrerPolicy="no-referrer" loading="lazy" onError={() => setBroken(true)} />;
  }
  return (
    <span className="avatar" style={style} aria-hidden="true">
      {initials}
    </span>
  );
}

/** Draws a connector's icon as an image: what it holds is never markup of this page. */
export function ConnectorIcon({ icon, title, size = 24 }: { icon: string | null; title: string; size?: number }) {
  const style = { width: size, height: size };
  if (icon === null) {
    return (
      <span className="connector-icon" style={{ ...style, fontSize: Math.round(size * 0.5) }} aria-hidden="true">
        {title.charAt(0).toUpperCase()}
      </span>
    );
  }
  const source = icon.trimStart().startsWith("<") ? `data:image/svg+xml,${encodeURIComponent(icon)}` : icon;
  return (
    <span className="connector-icon connector-icon-drawn" style={style}>
      <img src={source} alt="" width={Math.round(size * 0.66)} height={Math.round(size * 0.66)} />
    </span>
  );
}

/** From one system to another. */
export function Pair({ source, target, size = 28 }: { source: { icon: string | null; title: string }; target: { icon: string | null; title: string }; size?: number }) {
  return (
    <span className="pair" aria-hidden="true">
      <ConnectorIcon {...source} size={size} />
      <Icon name="arrow-right" size={12} />
      <ConnectorIcon {...target} size={size} />
    </span>
  );
}

const bars: Record<string, "good" | "warn" | "bad" | "none" | "busy"> = {
  succeeded: "good",
  partial: "warn",
  failed: "bad",
  running: "busy",
};

/** The last runs as bars, the newest at the right; a screen reader hears how many went how. */
export function Sparkbars({ health, wide = false }: { health: readonly HealthBar[]; wide?: boolean }) {
  const { t, formats } = useLanguage();
  const slots = 30;
  const shown = health.slice(-slots);
  const count = (status: string) => shown.filter((bar) => bar.status === status).length;
  const label =
    shown.length === 0
      ? t("health.none")
      : t("health.label", { n: shown.length, good: count("succeeded"), partial: count("partial"), failed: count("failed") });
  return (
    <span className={wide ? "sparkbars sparkbars-wide" : "sparkbars"} role="img" aria-label={label}>
      {Array.from({ length: slots - shown.length }, (_, index) => (
        <span key={`empty-${index}`} data-bar="empty" />
      ))}
      {shown.map((bar) => (
        <span
          key={bar.run}
          data-bar={bars[bar.status] ?? "none"}
          title={`${t(`run.status.${bar.status}`)} · ${formats.moment(bar.started_at)}`}
        />
      ))}
    </span>
  );
}

/** How far something is; without a total, that it goes on. */
export function Progress({ label, value, total }: { label: string; value: number; total: number | null }) {
  const share = total === null || total === 0 ? null : Math.min(1, value / total);
  return (
    <div
      className="progress"
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total ?? undefined}
      aria-valuenow={share === null ? undefined : value}
    >
      <span data-endless={share === null ? "" : undefined} style={share === null ? {} : { width: `${share * 100}%` }} />
    </div>
  );
}

/** A text that is made to be taken elsewhere. */
export function CopyField({ label, value }: { label: string; value: string }) {
  const { t } = useLanguage();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (input: HTMLInputElement | null) => {
    try {
      await navigator.clipboard.writeText(value);
      setCopied(true);
    } catch {
      // A frame may not be allowed to: what is selected can be copied by hand.
      input?.select();
    }
  };
  return (
    <div className="copy-field">
      <input
        readOnly
        aria-label={label}
        value={value}
        onFocus={(event) => event.target.select()}
        onClick={(event) => event.currentTarget.select()}
      />
      <Button
        size="sm"
        icon={copied ? "check" : "copy"}
        onPress={(event) => void copy(event.target.closest(".copy-field")?.querySelector("input") ?? null)}
      >
        {copied ? t("action.copied") : t("action.copy")}
      </Button>
    </div>
  );
}

/** A name and a value, many times. */
export function Facts({ facts }: { facts: readonly { name: string; value: React.ReactNode; icon?: IconName }[] }) {
  return (
    <dl className="facts">
      {facts.map((fact) => (
        <div key={fact.name}>
          <dt>{fact.name}</dt>
          <dd>{fact.value}</dd>
        </div>
      ))}
    </dl>
  );
}
