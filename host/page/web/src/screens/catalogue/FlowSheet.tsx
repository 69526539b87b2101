/** Everything about a flow before it is started: what it reads, what it writes, what it may, what holds it back. */

import type { ReactNode } from "react";

import type { Flow, Need } from "../../api/types";
import { useLanguage, type Key } from "../../i18n";
import { capital } from "../../i18n/language";
import { paths } from "../../router/router";
import { useIsOwner, useSession } from "../../session/context";
import { ConnectorIcon, Icon, type IconName, LinkButton, Notice, Sheet } from "../../ui";
import "../../forms/forms.css";
import "./catalogue.css";

/** Rights that have a name here; others are told as the connector calls them. */
const RIGHTS: Readonly<Record<string, Key>> = {
  employees: "right.employees",
  accounts: "right.accounts",
  customers: "right.customers",
  certificates: "right.certificates",
  "upsert-user": "right.upsert-user",
  "upsert-group": "right.upsert-group",
  "upload-document": "right.upload-document",
};

export function FlowSheet({ flow, onClose }: { flow: Flow; onClose: () => void }) {
  const { t, text, cadence, formats } = useLanguage();
  const { not_bought } = useSession();
  const owner = useIsOwner();
  const [source, target] = [text(flow.source.title), text(flow.target.title)];
  const documents = flow.records === "documents";
  // What has been delivered is not taken back: nobody leaves, and no guard has anything to hold back.
  const leavers = !documents && (flow.leavers === "block" || flow.leavers === "delete" || flow.leavers === "keep") ? flow.leavers : null;
  const guard = documents ? null : flow.guard;
  const safety: [IconName, string][] = [
    ["eye", t(documents ? "catalogue.preview.documents" : "catalogue.preview")],
    ...(documents ? [["check-circle", t("catalogue.once")] as [IconName, string]] : []),
    ...(leavers !== null ? [["user", t(`catalogue.leavers.${leavers}`, { source, target })] as [IconName, string]] : []),
    ...(guard !== null ? [["shield", t("catalogue.guard", { share: formats.percent(guard.share), count: guard.count })] as [IconName, string]] : []),
  ];
  return (
    <Sheet
      isOpen
      onClose={onClose}
      title={text(flow.title)}
      subtitle={t("catalogue.from-to", { source, target })}
      actions={
        flow.available &&
        owner && (
          <LinkButton to={paths.start(flow.name)} look="primary">
            {t(flow.automations > 0 ? "catalogue.another" : "catalogue.start")}
          </LinkButton>
        )
      }
    >
      <div className="flow-sheet">
        {!flow.available && (
          <Notice icon="lock" title={t("catalogue.locked")}>
            {text(not_bought)}
          </Notice>
        )}
        <p className="flow-lead">{text(flow.summary)}</p>
        {safety.length > 0 && (
          <Part title={t("catalogue.safety")}>
            <ul className="flow-safety">
              {safety.map(([icon, says]) => (
                <li key={says}>
                  <Icon name={icon} />
                  <span>{says}</span>
                </li>
              ))}
            </ul>
          </Part>
        )}
        <Part title={t("catalogue.runs")}>
          <p>{capital(t("catalogue.runs.text", { cadence: cadence(flow.schedule) }))}</p>
          {flow.requires.length > 0 && (
            <p className="muted">
              {t("catalogue.requires")}: {flow.requires.map((one) => text(one.title)).join(", ")}
            </p>
          )}
        </Part>
        <Part title={t("catalogue.rights")}>
          <ul className="flow-rights">
            <Rights side={flow.source} needs={flow.needs.source} />
            <Rights side={flow.target} needs={flow.needs.target} />
          </ul>
        </Part>
        <Part title={t("catalogue.reads", { system: source })} count={flow.reads.length}>
          <ul className="flow-reads">
            {flow.reads.map((read) => (
              <li key={read.name}>{text(read.title)}</li>
            ))}
          </ul>
        </Part>
        <Part title={t("catalogue.writes", { system: target })} count={flow.writes.length}>
          <dl className="flow-writes">
            {flow.writes.map((write) => (
              <div key={write.name}>
                <dt>
                  {text(write.title)}
                  {write.open && <span className="tag">{t("catalogue.adjustable")}</span>}
                </dt>
                <dd>
                  <code>{write.expression}</code>
                </dd>
              </div>
            ))}
          </dl>
        </Part>
      </div>
    </Sheet>
  );
}

function Part({ title, count, children }: { title: string; count?: number; children: ReactNode }) {
  const { formats } = useLanguage();
  return (
    <section className="flow-part">
      <h3>
        {title}
        {count !== undefined && <span className="muted"> {formats.number.format(count)}</span>}
      </h3>
      {children}
    </section>
  );
}

function Rights({ side, needs }: { side: Flow["source"]; needs: readonly Need[] }) {
  const { t, text } = useLanguage();
  return needs.map((need) => {
    const known = RIGHTS[need.subject];
    return (
      <li key={need.subject}>
        <ConnectorIcon icon={side.icon} title={text(side.title)} size={24} />
        <span>
          {text(side.title)}: {known === undefined ? <code>{need.subject}</code> : t(known)}
          {need.attributes.length > 0 && <span className="muted"> · {t("catalogue.rights.attributes", { n: need.attributes.length })}</span>}
        </span>
      </li>
    );
  });
}
