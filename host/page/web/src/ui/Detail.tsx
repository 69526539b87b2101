/**
 * The server's or the other system's own words: in view where they say what the page cannot, else behind a line,
 * for whoever looks after the other system.
 */

import { useLanguage } from "../i18n";
import type { Explained } from "../i18n";
import { Icon } from "./icons";
import "./notice.css";

export function Detail({ of }: { of: Pick<Explained, "detail" | "folded"> }) {
  const { t } = useLanguage();
  if (of.detail === null) return null;
  if (!of.folded) return <div>{of.detail}</div>;
  return (
    <details className="own-words">
      <summary>
        <Icon name="chevron-right" size={12} />
        {t("error.details")}
      </summary>
      {/* Systems and connectors speak English. */}
      <div lang="en">{of.detail}</div>
    </details>
  );
}
