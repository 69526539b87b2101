/** Which credentials it uses: whether they work, and the use of others. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { part } from "../../api/client";
import { keys, useAutomationPatch, useConnectors, useCredentials } from "../../api/hooks";
import type { Automation, CredentialTest } from "../../api/types";
import { Moment, useLanguage } from "../../i18n";
import { paths } from "../../router/router";
import { useApi, useIsOwner } from "../../session/context";
import { Button, ConnectorIcon, Detail, Dialog, ErrorState, Icon, LinkButton, Notice, Select, Skeleton } from "../../ui";
import { ReplaceDialog } from "../credentials/ReplaceDialog";
import { TestMark } from "../credentials/TestMark";

export function Access({ automation, etag }: { automation: Automation; etag: string }) {
  const { t } = useLanguage();
  const owner = useIsOwner();
  return (
    <>
      <div className="access">
        <Side automation={automation} etag={etag} side="source" />
        <Side automation={automation} etag={etag} side="target" />
      </div>
      <div className="section">
        <LinkButton to={paths.credentials()} icon="key">
          {t(owner ? "access.manage" : "nav.credentials")}
        </LinkButton>
      </div>
    </>
  );
}

function Side({ automation, etag, side }: { automation: Automation; etag: string; side: "source" | "target" }) {
  const { t, text, failure, error: explain } = useLanguage();
  const owner = useIsOwner();
  const api = useApi();
  const client = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const [isReplacing, setReplacing] = useState(false);
  const used = automation[side];
  const connector = useConnectors().data?.find((one) => one.id === used.connector);
  const list = useCredentials(used.connector);
  const credential = list.data?.find((one) => one.id === used.id);
  const test = useMutation({
    mutationFn: () => api.post<CredentialTest>(`credentials/${part(used.id)}/test`, { flow: automation.flow }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.credentials() }),
  });
  const title = text(used.title);
  const problem = test.error !== null ? explain(test.error) : test.data?.failure != null ? failure(test.data.failure) : null;
  const missing = test.data?.findings.filter((finding) => !finding.ok) ?? [];
  return (
    <section className="card access-side" aria-label={t(`access.${side}`)}>
      <div className="muted facts-name">{t(`access.${side}`)}</div>
      <div className="access-head">
        <ConnectorIcon icon={used.icon} title={title} size={36} />
        <div className="access-names">
          <h2>{used.name}</h2>
          <div className="muted small">
            {used.name !== title && `${title} · `}
            {list.isPending ? "…" : credential?.tested_at == null ? t("access.tested.never") : <Tested at={credential.tested_at} />}
          </div>
        </div>
        {credential !== undefined && <TestMark tested={credential.tested} />}
      </div>
      {list.error !== null && list.data === undefined && <ErrorState small error={list.error} onRetry={() => void list.refetch()} />}
      {test.isPending && <Skeleton lines={[60, 40]} />}
      {problem !== null && (
        <Notice tone="bad" title={problem.says}>
          {problem.advice}
          <Detail of={problem} />
        </Notice>
      )}
      {problem === null && test.data !== undefined && missing.length === 0 && (
        <Notice tone="good" title={test.data.account === null ? t("access.test.ok") : t("access.test.account", { account: test.data.account })} />
      )}
      {problem === null && missing.length > 0 && (
        <Notice tone="warn" title={t("access.test.findings")}>
          <ul className="findings">
            {missing.map((finding) => (
              <li key={finding.subject}>
                <Icon name="x" size={14} />
                <span>{finding.message}</span>
              </li>
            ))}
          </ul>
        </Notice>
      )}
      {owner && (
        <div className="settings-actions">
          <Button size="sm" isPending={test.isPending} onPress={() => test.mutate()}>
            {t("access.test")}
          </Button>
          {credential !== undefined && connector !== undefined && (
            <Button size="sm" look="quiet" onPress={() => setReplacing(true)}>
              {t("credentials.replace")}
            </Button>
          )}
          {(list.data?.length ?? 0) > 1 && (
            <Button size="sm" look="quiet" onPress={() => setOpen(true)}>
              {t("access.use")}
            </Button>
          )}
        </div>
      )}
      {isReplacing && credential !== undefined && <ReplaceDialog credential={credential} connector={connector} onClose={() => setReplacing(false)} />}
      {isOpen && <Change automation={automation} etag={etag} side={side} onClose={() => setOpen(false)} />}
    </section>
  );
}

function Tested({ at }: { at: string }) {
  const { t } = useLanguage();
  const [before = "", after = ""] = t("access.tested", { when: "\u0000" }).split("\u0000");
  return (
    <>
      {before}
      <Moment at={at} />
      {after}
    </>
  );
}

function Change({ automation, etag, side, onClose }: { automation: Automation; etag: string; side: "source" | "target"; onClose: () => void }) {
  const { t, text, error: explain } = useLanguage();
  const used = automation[side];
  const list = useCredentials(used.connector);
  const [chosen, setChosen] = useState(used.id);
  const save = useAutomationPatch(automation.id);
  const system = text(used.title);
  const problem = save.error === null ? null : explain(save.error);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t("access.use")}
      actions={
        <>
          <Button onPress={onClose}>{t("action.cancel")}</Button>
          <Button
            look="primary"
            isDisabled={chosen === used.id}
            isPending={save.isPending}
            onPress={() => save.mutate({ patch: { [side]: chosen }, etag }, { onSuccess: onClose })}
          >
            {t("action.save")}
          </Button>
        </>
      }
    >
      <Select
        label={t("access.use.label", { system })}
        required
        value={chosen}
        onChange={setChosen}
        choices={(list.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
        hint={t("access.use.hint", { system })}
      />
      {problem !== null && (
        <Notice tone="bad" title={problem.says}>
          {problem.advice}
          <Detail of={problem} />
        </Notice>
      )}
    </Dialog>
  );
}
