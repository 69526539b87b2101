/** What the owner decides: the flow's own settings in view, everything that has a good default behind a line. */

import { useRef, useState } from "react";

import type { Flow, ProblemError, Requirement } from "../../api/types";
import {
  CadenceEditor,
  checkContacts,
  checkSettings,
  ContactsEditor,
  Disclosure,
  isMappingOpen,
  MappingEditor,
  SchemaForm,
  useMappingSummary,
} from "../../forms";
import { useRequirements } from "../../forms/queries";
import { useLanguage } from "../../i18n";
import { LinkButton, Button, ErrorState, Icon, Notice, Skeleton } from "../../ui";
import { paths } from "../../router/router";
import type { Draft } from "./draft";
import { Footer, StepTitle } from "./Step";

interface Props {
  flow: Flow;
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
  onBack: () => void;
  onNext: () => void;
}

export function SettingsStep({ flow, draft, onChange, onBack, onNext }: Props) {
  const { t, text, cadence } = useLanguage();
  const place = useRef<HTMLElement>(null);
  const [own, setOwn] = useState<readonly ProblemError[]>([]);
  const errors = own.length > 0 ? own : draft.errors;
  const of = (prefix: string) => errors.some((error) => error.pointer.startsWith(prefix));
  const mappingSummary = useMappingSummary(flow, draft.settings);
  const { source, target } = flow;
  const zone = draft.settings["time_zone"];

  const next = () => {
    const wrong = [...checkSettings(flow.settings_schema, draft.settings), ...checkContacts(draft.contacts)];
    setOwn(wrong);
    if (wrong.length === 0 && draft.schedule !== null) {
      onChange({ errors: [] });
      onNext();
      return;
    }
    requestAnimationFrame(() => place.current?.querySelector<HTMLElement>("[aria-invalid], [data-invalid] input")?.focus());
  };
  const change = (part: Partial<Draft>) => {
    if (own.length > 0) setOwn([]);
    onChange({ ...part, errors: [] });
  };

  return (
    <section className="step" ref={place}>
      <StepTitle title={t("start.settings")}>{t("start.settings.lead")}</StepTitle>
      {flow.requires.length > 0 && <Requirements flow={flow} draft={draft} />}
      <div className="settings">
        <SchemaForm
          schema={flow.settings_schema}
          value={draft.settings}
          onChange={(settings) => change({ settings })}
          errors={errors}
          lookups={{ [source.connector]: draft.source.credential, [target.connector]: draft.target.credential }}
          titles={{ [source.connector]: text(source.title), [target.connector]: text(target.title) }}
        />
      </div>
      <div className="more-settings">
        {isMappingOpen(flow) && (
          <Disclosure title={t("start.mapping")} summary={mappingSummary} open={of("/settings/$map")}>
            <MappingEditor flow={flow} settings={draft.settings} onChange={(settings) => change({ settings })} source={draft.source.credential} errors={errors} />
          </Disclosure>
        )}
        <Disclosure title={t("start.schedule")} summary={draft.schedule === null ? "" : cadence(draft.schedule)} open={of("/schedule")}>
          <CadenceEditor
            value={draft.schedule ?? flow.schedule}
            onChange={(schedule) => change({ schedule })}
            error={errors.find((error) => error.pointer.startsWith("/schedule"))?.message}
            {...(typeof zone === "string" ? { zone } : {})}
          />
        </Disclosure>
        <Disclosure
          title={t("start.recipients")}
          summary={draft.contacts.length === 0 ? t("contacts.none") : t("contacts.summary", { n: draft.contacts.length })}
          open={of("/contacts")}
        >
          <ContactsEditor value={draft.contacts} onChange={(contacts) => change({ contacts })} errors={errors} reports={flow.records === "people"} />
        </Disclosure>
      </div>
      {errors.length > 0 && (
        <Notice tone="bad" title={t("start.fix")}>
          {errors
            .filter((error) => error.message !== "")
            .map((error) => error.message)
            .join(" ")}
        </Notice>
      )}
      <Footer
        back={
          <Button look="quiet" icon="arrow-left" onPress={onBack}>
            {t("start.back")}
          </Button>
        }
      >
        <Button look="primary" onPress={next} isDisabled={draft.schedule === null}>
          {t(flow.activation === "tested" ? "start.test.show" : "start.preview.show")}
        </Button>
      </Footer>
    </section>
  );
}

/** Other flows that have to have run, as checks with their present state. */
function Requirements({ flow, draft }: { flow: Flow; draft: Draft }) {
  const { t } = useLanguage();
  const requirements = useRequirements(flow.name, draft.source.credential ?? "", draft.target.credential ?? "");
  if (requirements.isError) return <ErrorState small error={requirements.error} onRetry={() => void requirements.refetch()} />;
  const open = requirements.data?.some((one) => !one.met) === true;
  return (
    <section className="requirements" data-open={open ? "" : undefined} aria-label={t("start.requirements")}>
      {requirements.data === undefined ? (
        <Skeleton lines={[60]} />
      ) : (
        <ul>
          {requirements.data.map((one) => (
            <RequirementLine key={one.flow} requirement={one} />
          ))}
        </ul>
      )}
      {open && (
        <Button size="sm" look="quiet" icon="refresh" isPending={requirements.isFetching} onPress={() => void requirements.refetch()}>
          {t("start.requirement.again")}
        </Button>
      )}
    </section>
  );
}

export function RequirementLine({ requirement }: { requirement: Requirement }) {
  const { t, text } = useLanguage();
  const { met, automation, flow } = requirement;
  const title = text(requirement.title);
  return (
    <li className="requirement" data-met={met ? "" : undefined}>
      <Icon name={met ? "check-circle" : "alert-triangle"} />
      <span className="requirement-text">{t(met ? "start.requirement.met" : "start.requirement.open", { flow: title })}</span>
      {!met && (
        <LinkButton size="sm" to={automation == null ? paths.start(flow) : paths.automation(automation)}>
          {t(automation == null ? "start.requirement.go" : "start.requirement.show")}
        </LinkButton>
      )}
    </li>
  );
}
