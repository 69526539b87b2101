/** What an owner can change: settings of the flow, schedule, who is told; a secret address; and the end of it. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { part } from "../../api/client";
import { keys, useAutomationPatch, useFlow } from "../../api/hooks";
import { ApiProblem } from "../../api/problem";
import type { Automation, AutomationPatch, Cadence, Contact, Flow, ProblemError, Settings } from "../../api/types";
import { CadenceEditor, checkContacts, checkSettings, ContactsEditor, isMappingOpen, MappingEditor, SchemaForm, tidied, withDefaults } from "../../forms";
import { same } from "../../forms/same";
import { type Explained, useLanguage } from "../../i18n";
import { navigate, paths } from "../../router/router";
import { useApi, useIsOwner } from "../../session/context";
import { Button, Confirm, CopyField, Detail, ErrorState, Icon, Loading, Notice, Skeleton } from "../../ui";

export function SettingsTab({ automation, etag }: { automation: Automation; etag: string }) {
  const { t } = useLanguage();
  const owner = useIsOwner();
  const flow = useFlow(automation.flow);
  return (
    <div className="settings">
      {!owner && <Notice title={t("viewer.note")} />}
      {flow.data !== undefined ? (
        <FlowSettings automation={automation} etag={etag} flow={flow.data} />
      ) : flow.error !== null ? (
        <ErrorState small error={flow.error} onRetry={() => void flow.refetch()} />
      ) : (
        <Loading>
          <Skeleton lines={[30, 100, 100]} height={28} />
        </Loading>
      )}
      <Schedule automation={automation} etag={etag} />
      <Contacts automation={automation} etag={etag} />
      {owner && <Hook automation={automation} />}
      {owner && <Remove automation={automation} etag={etag} />}
    </div>
  );
}

interface Part {
  automation: Automation;
  etag: string;
}

/** One part with a Save of its own: it is enabled once something has changed, and says that it was saved. */
function Saved({
  title,
  hint,
  automation,
  etag,
  patch,
  isChanged,
  check,
  children,
}: Part & {
  title: string;
  hint?: string;
  /** What is saved; null while it cannot be. */
  patch: () => AutomationPatch | null;
  isChanged: boolean;
  /** What is wrong before it is sent. */
  check: () => ProblemError[];
  children: (errors: readonly ProblemError[]) => ReactNode;
}) {
  const { t, error: explain } = useLanguage();
  const owner = useIsOwner();
  const save = useAutomationPatch(automation.id);
  const [own, setOwn] = useState<readonly ProblemError[]>([]);
  const [problem, setProblem] = useState<Explained | null>(null);
  const [refused, setRefused] = useState<readonly ProblemError[]>([]);
  const submit = () => {
    const wrong = check();
    setOwn(wrong);
    setRefused([]);
    setProblem(null);
    const change = patch();
    if (wrong.length > 0 || change === null) return;
    save.mutate(
      { patch: change, etag },
      {
        onError: (error) => {
          setProblem(explain(error));
          if (error instanceof ApiProblem) setRefused(error.errors);
        },
      },
    );
  };
  return (
    <section className="card settings-part">
      <div className="settings-title">
        <h2>{title}</h2>
        {hint !== undefined && <p className="muted small">{hint}</p>}
      </div>
      {children([...own, ...refused])}
      {problem !== null && (
        <Notice tone="bad" title={problem.says}>
          {problem.advice}
          <Detail of={problem} />
        </Notice>
      )}
      {owner && (
        <div className="settings-actions">
          <Button look={isChanged ? "primary" : "plain"} isDisabled={!isChanged} isPending={save.isPending} onPress={submit}>
            {t("action.save")}
          </Button>
          <span role="status" className="muted small">
            {save.isSuccess && !isChanged && (
              <span className="settings-saved">
                <Icon name="check" size={14} />
                {t("settings.saved")}
              </span>
            )}
          </span>
        </div>
      )}
    </section>
  );
}


function FlowSettings({ automation, etag, flow }: Part & { flow: Flow }) {
  const { t, text } = useLanguage();
  const owner = useIsOwner();
  const stored = withDefaults(flow.settings_schema, automation.settings);
  const [settings, setSettings] = useState<Settings>(stored);
  const side = { source: automation.source, target: automation.target };
  const lookups = { [side.source.connector]: side.source.id, [side.target.connector]: side.target.id };
  const titles = { [side.source.connector]: text(side.source.title), [side.target.connector]: text(side.target.title) };
  return (
    <Saved
      title={t("settings.form")}
      hint={t("settings.form.hint")}
      automation={automation}
      etag={etag}
      isChanged={!same(settings, stored)}
      check={() => checkSettings(flow.settings_schema, settings)}
      patch={() => ({ settings: tidied(flow.settings_schema, settings) })}
    >
      {(errors) => (
        <>
          <SchemaForm schema={flow.settings_schema} value={settings} onChange={setSettings} errors={errors} lookups={lookups} titles={titles} disabled={!owner} />
          {isMappingOpen(flow) && (
            <div className="settings-mapping">
              <h3>{t("start.mapping")}</h3>
              <MappingEditor flow={flow} settings={settings} onChange={setSettings} source={owner ? automation.source.id : null} errors={errors} disabled={!owner} />
            </div>
          )}
        </>
      )}
    </Saved>
  );
}

function Schedule({ automation, etag }: Part) {
  const { t } = useLanguage();
  const owner = useIsOwner();
  const [schedule, setSchedule] = useState<Cadence | null>(automation.schedule);
  const zone = automation.settings["time_zone"];
  return (
    <Saved
      title={t("settings.schedule")}
      automation={automation}
      etag={etag}
      isChanged={schedule !== null && !same(schedule, automation.schedule)}
      check={() => []}
      patch={() => (schedule === null ? null : { schedule })}
    >
      {(errors) => (
        <CadenceEditor
          value={automation.schedule}
          onChange={setSchedule}
          error={errors.find((one) => one.pointer.startsWith("/schedule"))?.message}
          disabled={!owner}
          {...(typeof zone === "string" ? { zone } : {})}
        />
      )}
    </Saved>
  );
}

function Contacts({ automation, etag }: Part) {
  const { t } = useLanguage();
  const owner = useIsOwner();
  const [contacts, setContacts] = useState<Contact[]>(automation.contacts);
  return (
    <Saved
      title={t("settings.contacts")}
      automation={automation}
      etag={etag}
      isChanged={!same(contacts, automation.contacts)}
      check={() => checkContacts(contacts)}
      patch={() => ({ contacts })}
    >
      {(errors) => <ContactsEditor value={contacts} onChange={setContacts} errors={errors} disabled={!owner} />}
    </Saved>
  );
}

function Hook({ automation }: { automation: Automation }) {
  const { t, text } = useLanguage();
  const api = useApi();
  const [asked, setAsked] = useState(false);
  const make = useMutation({ mutationFn: () => api.post<{ address: string }>(`automations/${part(automation.id)}/hook`) });
  const source = text(automation.source.title);
  return (
    <section className="card settings-part">
      <div className="settings-title">
        <h2>{t("settings.hook")}</h2>
        <p className="muted small">{t("settings.hook.hint", { source })}</p>
      </div>
      {make.data === undefined ? (
        <div>
          <Button onPress={() => setAsked(true)}>{t("settings.hook.make")}</Button>
        </div>
      ) : (
        <div className="stack-small">
          <CopyField label={t("settings.hook")} value={new URL(make.data.address, window.location.href).href} />
          <p className="muted small">{t("settings.hook.once")}</p>
        </div>
      )}
      <Confirm isOpen={asked} onClose={() => setAsked(false)} title={t("settings.hook.title")} action={t("settings.hook.make")} onConfirm={() => make.mutateAsync()}>
        <p>{t("settings.hook.text")}</p>
      </Confirm>
    </section>
  );
}

function Remove({ automation, etag }: Part) {
  const { t, text } = useLanguage();
  const api = useApi();
  const client = useQueryClient();
  const [asked, setAsked] = useState(false);
  const off = automation.state === "deactivated";
  const remove = async () => {
    await api.delete(`automations/${part(automation.id)}`, { etag });
    navigate(paths.automations());
    client.removeQueries({ queryKey: keys.automation(automation.id) });
    await client.invalidateQueries({ queryKey: keys.automations() });
  };
  return (
    <section className="card settings-part">
      <div className="settings-title">
        <h2>{t("settings.remove")}</h2>
        <p className="muted small">{t("settings.remove.hint", { target: text(automation.target.title) })}</p>
      </div>
      <div className="settings-actions">
        <Button icon="trash" isDisabled={!off} onPress={() => setAsked(true)}>
          {t("do.remove")}
        </Button>
        {!off && <span className="muted small">{t("settings.remove.first")}</span>}
      </div>
      <Confirm isOpen={asked} onClose={() => setAsked(false)} title={t("settings.remove.title")} action={t("do.remove")} danger onConfirm={remove}>
        <p>{t("settings.remove.text")}</p>
      </Confirm>
    </section>
  );
}
