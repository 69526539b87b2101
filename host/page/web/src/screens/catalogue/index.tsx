/** The catalogue: what can be started, by system, and what of it already runs. */

import { useState } from "react";

import { useAutomations, useFlows } from "../../api/hooks";
import type { Automation, Flow } from "../../api/types";
import { useLanguage } from "../../i18n";
import { capital } from "../../i18n/language";
import { paths, ScreenTitle } from "../../router/router";
import { useIsOwner, useSession } from "../../session/context";
import { Button, ConnectorIcon, Empty, ErrorState, Icon, LinkButton, Loading, Pair, Skeleton, Status, TextField } from "../../ui";
import { FlowSheet } from "./FlowSheet";
import "./catalogue.css";

/** A search is offered from this many flows on. */
const MANY = 7;

export default function Catalogue() {
  const { t, text } = useLanguage();
  const flows = useFlows();
  const automations = useAutomations();
  const [system, setSystem] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const [open, setOpen] = useState<Flow | null>(null);
  const all = flows.data ?? [];
  const systems = new Map(all.flatMap((flow) => [flow.source, flow.target]).map((side) => [side.connector, side]));
  const wanted = search.trim().toLowerCase();
  const shown = all.filter(
    (flow) =>
      (system === null || flow.source.connector === system || flow.target.connector === system) &&
      [flow.title, flow.summary, flow.source.title, flow.target.title].some((part) => text(part).toLowerCase().includes(wanted)),
  );
  return (
    <>
      <header className="screen-head">
        <div className="screen-head-text">
          <ScreenTitle title={t("catalogue.title")} />
          <p>{t("catalogue.lead")}</p>
        </div>
      </header>
      {flows.data === undefined && flows.isError ? (
        <ErrorState error={flows.error} onRetry={() => void flows.refetch()} />
      ) : flows.data === undefined ? (
        <Loading>
          <div className="flows">
            {[0, 1].map((index) => (
              <div key={index} className="card flow">
                <Skeleton lines={[30]} height={32} />
                <Skeleton lines={[70, 100, 90]} />
              </div>
            ))}
          </div>
        </Loading>
      ) : all.length === 0 ? (
        <Empty icon="grid" title={t("catalogue.empty")}>
          {t("catalogue.empty.text")}
        </Empty>
      ) : (
        <>
          <div className="catalogue-tools">
            <div className="systems-filter" role="group" aria-label={t("catalogue.system")}>
              <button type="button" className="segment" aria-pressed={system === null} onClick={() => setSystem(null)}>
                {t("catalogue.all")}
              </button>
              {[...systems.values()].map((side) => (
                <button key={side.connector} type="button" className="segment" aria-pressed={system === side.connector} onClick={() => setSystem(side.connector)}>
                  <ConnectorIcon icon={side.icon} title={text(side.title)} size={18} />
                  {text(side.title)}
                </button>
              ))}
            </div>
            {(all.length >= MANY || search !== "") && (
              <TextField
                label={t("catalogue.search")}
                hideLabel
                type="search"
                placeholder={t("catalogue.search")}
                icon={<Icon name="search" />}
                value={search}
                onChange={setSearch}
              />
            )}
          </div>
          {shown.length === 0 ? (
            <Empty icon="search" title={t("catalogue.none")}>
              {t("catalogue.none.text")}
            </Empty>
          ) : (
            <ul className="flows">
              {shown.map((flow) => (
                <FlowCard key={flow.name} flow={flow} automations={automations.data?.filter((one) => one.flow === flow.name) ?? []} onDetails={() => setOpen(flow)} />
              ))}
            </ul>
          )}
        </>
      )}
      {open !== null && <FlowSheet flow={open} onClose={() => setOpen(null)} />}
    </>
  );
}

function FlowCard({ flow, automations, onDetails }: { flow: Flow; automations: readonly Automation[]; onDetails: () => void }) {
  const { t, text, cadence } = useLanguage();
  const { not_bought } = useSession();
  const owner = useIsOwner();
  const [source, target] = [text(flow.source.title), text(flow.target.title)];
  const started = flow.automations > 0;
  const only = automations.length === 1 ? automations[0] : undefined;
  return (
    <li className="card flow" data-locked={flow.available ? undefined : ""}>
      <div className="flow-head">
        <Pair source={{ icon: flow.source.icon, title: source }} target={{ icon: flow.target.icon, title: target }} size={32} />
        {!flow.available ? (
          <Status tone="off" icon="lock" pill>
            {t("catalogue.locked")}
          </Status>
        ) : (
          started && (
            <Status tone="good" icon="check-circle" pill>
              {flow.automations === 1 ? t("catalogue.started") : t("catalogue.started.many", { n: flow.automations })}
            </Status>
          )
        )}
      </div>
      <div className="flow-text">
        <h2>{text(flow.title)}</h2>
        <p>{text(flow.summary)}</p>
        {!flow.available && <p className="flow-locked">{text(not_bought)}</p>}
        <div className="flow-facts">
          <span>
            <Icon name="clock" size={14} /> {capital(cadence(flow.schedule))}
          </span>
          {flow.requires.length > 0 && (
            <span>
              <Icon name="info" size={14} /> {t("catalogue.first", { flows: flow.requires.map((one) => text(one.title)).join(", ") })}
            </span>
          )}
        </div>
      </div>
      <div className="flow-actions">
        {flow.available && started && (
          <LinkButton to={only === undefined ? paths.automations() : paths.automation(only.id)}>
            {t(flow.automations === 1 ? "catalogue.show" : "catalogue.show.many")}
          </LinkButton>
        )}
        {flow.available && owner && !started && (
          <LinkButton to={paths.start(flow.name)} look="primary">
            {t("catalogue.start")}
          </LinkButton>
        )}
        <Button look="quiet" aria-label={t("catalogue.details.of", { flow: text(flow.title) })} onPress={onDetails}>
          {t("catalogue.details")}
        </Button>
      </div>
    </li>
  );
}
