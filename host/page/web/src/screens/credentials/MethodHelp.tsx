/** Beside the fields: the clicks that lead to what has to be entered, and the attributes to tick on the way. */

import { useEffect, useState } from "react";

import type { ConnectorMethod, NamedTitle } from "../../api/types";
import { stepsOf } from "../../forms/steps";
import { useLanguage } from "../../i18n";
import { Button } from "../../ui";
import "./credentials.css";

export function MethodHelp({ method, system, attributes }: { method: ConnectorMethod; system: string; attributes: readonly NamedTitle[] }) {
  const { t, text } = useLanguage();
  const steps = stepsOf(text(method.help));
  if (steps.length === 0 && attributes.length === 0) return null;
  return (
    <aside className="help" aria-label={t(method.sign_in ? "connect.help" : "credentials.help")}>
      {steps.length > 0 && (
        <section>
          <h3>{t(method.sign_in ? "connect.help" : "credentials.help")}</h3>
          {steps.length === 1 ? (
            <p className="help-text">{steps[0]}</p>
          ) : (
            <ol className="help-steps">
              {steps.map((step, index) => (
                <li key={index}>{step}</li>
              ))}
            </ol>
          )}
        </section>
      )}
      {attributes.length > 0 && <Attributes attributes={attributes} system={system} ticked={!method.sign_in} />}
    </aside>
  );
}

/** Those to tick, or, in a window that asks for what may be read, those to allow. */
function Attributes({ attributes, system, ticked }: { attributes: readonly NamedTitle[]; system: string; ticked: boolean }) {
  const { t, text } = useLanguage();
  const [copied, setCopied] = useState(false);
  const names = attributes.map((attribute) => text(attribute.title));
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <section>
      <div className="help-head">
        <h3>{t(ticked ? "credentials.attributes" : "connect.attributes")}</h3>
        <Button
          size="sm"
          look="quiet"
          icon={copied ? "check" : "copy"}
          aria-label={t("credentials.attributes.copy")}
          onPress={() => void navigator.clipboard.writeText(names.join("\n")).then(() => setCopied(true), () => undefined)}
        >
          {copied ? t("action.copied") : t("action.copy")}
        </Button>
      </div>
      <p className="help-text">{t(ticked ? "credentials.attributes.text" : "connect.attributes.text", { system })}</p>
      <ul className="help-attributes">
        {names.map((name) => (
          <li key={name}>{name}</li>
        ))}
      </ul>
    </section>
  );
}
