/** Credentials: what automations sign in with. Add, test, replace, remove; secrets are never shown. */

import { useEffect, useState } from "react";

import { useConnectors, useCredentials } from "../../api/hooks";
import { ApiProblem } from "../../api/problem";
import type { Connector, Credential, CredentialTest } from "../../api/types";
import { Moment, useLanguage } from "../../i18n";
import { Link, paths, ScreenTitle } from "../../router/router";
import { useIsOwner } from "../../session/context";
import { Button, Confirm, ConnectorIcon, Dialog, Empty, ErrorState, IconButton, Loading, Notice, Table } from "../../ui";
import { accountOf } from "./account";
import { methodsOf, useRemoveCredential, useTestCredential } from "./actions";
import { CredentialForm } from "./CredentialForm";
import { ReplaceDialog } from "./ReplaceDialog";
import { TestMark } from "./TestMark";
import { Testing, TestResult } from "./TestResult";
import "./credentials.css";

type Open = { what: "add" } | { what: "test" | "replace" | "remove"; credential: Credential };

export default function Credentials() {
  const { t, text } = useLanguage();
  const owner = useIsOwner();
  const credentials = useCredentials();
  const connectors = useConnectors();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const list = credentials.data;
  const connectorOf = (credential: Credential) => connectors.data?.find((connector) => connector.id === credential.connector);
  const add = owner && (
    <Button look="primary" icon="plus" onPress={() => setOpen({ what: "add" })} isDisabled={connectors.data === undefined}>
      {t("credentials.add")}
    </Button>
  );
  return (
    <>
      <header className="screen-head">
        <div className="screen-head-text">
          <ScreenTitle title={t("credentials.title")} />
          <p>{t("credentials.lead")}</p>
        </div>
        {list !== undefined && list.length > 0 && <div className="screen-actions">{add}</div>}
      </header>
      {list === undefined && credentials.isError ? (
        <ErrorState error={credentials.error} onRetry={() => void credentials.refetch()} />
      ) : list === undefined ? (
        <Loading>
          <List rows={[]} loading connectorOf={connectorOf} owner={owner} onOpen={setOpen} />
        </Loading>
      ) : list.length === 0 ? (
        <Empty icon="key" title={t("credentials.empty")} action={add}>
          {t("credentials.empty.text")}
        </Empty>
      ) : (
        <List rows={list} connectorOf={connectorOf} owner={owner} onOpen={setOpen} />
      )}
      {open?.what === "add" && <AddDialog connectors={connectors.data ?? []} taken={list?.map((one) => one.name) ?? []} onClose={close} />}
      {open?.what === "test" && <TestDialog credential={open.credential} system={text(connectorOf(open.credential)?.title) || open.credential.connector} onClose={close} />}
      {open?.what === "replace" && <ReplaceDialog credential={open.credential} connector={connectorOf(open.credential)} onClose={close} />}
      {open?.what === "remove" && <RemoveDialog credential={open.credential} connector={connectorOf(open.credential)} onClose={close} />}
    </>
  );
}

interface ListProps {
  rows: readonly Credential[];
  loading?: boolean;
  connectorOf: (credential: Credential) => Connector | undefined;
  owner: boolean;
  onOpen: (open: Open) => void;
}

function List({ rows, loading = false, connectorOf, owner, onOpen }: ListProps) {
  const { t, text } = useLanguage();
  return (
    <Table
      label={t("credentials.list")}
      rows={rows}
      loadingRows={loading ? 3 : 0}
      keyOf={(credential) => credential.id}
      columns={[
        {
          id: "name",
          title: t("credentials.name"),
          card: "heading",
          cell: (credential) => {
            const connector = connectorOf(credential);
            const title = text(connector?.title) || credential.connector;
            return (
              <span className="credential-name">
                <ConnectorIcon icon={connector?.icon ?? null} title={title} size={28} />
                <span>
                  <strong>{credential.name}</strong>
                  <small>{[title === credential.name ? "" : title, accountOf(credential)].filter(Boolean).join(" · ")}</small>
                </span>
              </span>
            );
          },
        },
        {
          id: "used",
          title: t("credentials.used"),
          cell: (credential) =>
            credential.used_by.length === 0 ? (
              <span className="muted">{t("credentials.unused")}</span>
            ) : (
              <span className="credential-used">
                {credential.used_by.map((use) => (
                  <Link key={use.automation} to={paths.automation(use.automation)}>
                    {text(use.title)}
                  </Link>
                ))}
              </span>
            ),
        },
        {
          id: "tested",
          title: t("credentials.tested"),
          cell: (credential) => (
            <span className="credential-test">
              <TestMark tested={credential.tested} />
              {credential.tested_at !== null && <Moment at={credential.tested_at} />}
            </span>
          ),
        },
        ...(owner
          ? [
              {
                id: "actions",
                title: t("credentials.actions"),
                hideTitle: true,
                align: "end" as const,
                cell: (credential: Credential) => (
                  <span className="credential-actions">
                    <Button size="sm" look="quiet" aria-label={t("credentials.test.of", { name: credential.name })} onPress={() => onOpen({ what: "test", credential })}>
                      {t("credentials.test")}
                    </Button>
                    <Button size="sm" look="quiet" aria-label={t("credentials.replace.of", { name: credential.name })} onPress={() => onOpen({ what: "replace", credential })}>
                      {t("credentials.replace")}
                    </Button>
                    <IconButton size="sm" icon="trash" label={t("credentials.remove.of", { name: credential.name })} onPress={() => onOpen({ what: "remove", credential })} />
                  </span>
                ),
              },
            ]
          : []),
      ]}
    />
  );
}

function AddDialog({ connectors, taken, onClose }: { connectors: readonly Connector[]; taken: readonly string[]; onClose: () => void }) {
  const { t, text } = useLanguage();
  const offered = connectors.filter((connector) => methodsOf(connector).length > 0);
  const [chosen, setChosen] = useState<Connector | null>(offered.length === 1 ? (offered[0] ?? null) : null);
  const [done, setDone] = useState<{ credential: Credential; test: CredentialTest } | null>(null);
  const title = chosen === null ? t("credentials.add") : t("start.connect", { system: text(chosen.title) });
  if (done !== null && chosen !== null) {
    return (
      <Dialog isOpen onClose={onClose} size="md" title={title} actions={<Button look="primary" onPress={onClose}>{t("credentials.done")}</Button>}>
        <p>{t("credentials.saved", { name: done.credential.name })}</p>
        <TestResult test={done.test} system={text(chosen.title)} />
      </Dialog>
    );
  }
  return (
    <Dialog isOpen onClose={onClose} size={chosen === null ? "md" : "lg"} title={title}>
      {chosen === null ? (
        <>
          <p>{t("credentials.which")}</p>
          <div className="systems">
            {offered.map((connector) => (
              <button key={connector.id} type="button" className="system" onClick={() => setChosen(connector)}>
                <ConnectorIcon icon={connector.icon} title={text(connector.title)} size={32} />
                {text(connector.title)}
              </button>
            ))}
          </div>
        </>
      ) : (
        <CredentialForm
          connector={chosen}
          taken={taken}
          onDone={(credential, test) => setDone({ credential, test })}
          footer={(submit) => (
            <div className="dialog-actions">
              <Button onPress={onClose}>{t("action.cancel")}</Button>
              {submit}
            </div>
          )}
        />
      )}
    </Dialog>
  );
}

function TestDialog({ credential, system, onClose }: { credential: Credential; system: string; onClose: () => void }) {
  const { t, error: explain } = useLanguage();
  const test = useTestCredential();
  const { mutate } = test;
  const { id } = credential;
  useEffect(() => {
    // Put off, so that an effect that is run twice asks once.
    const timer = setTimeout(() => mutate({ credential: id, flow: null }));
    return () => clearTimeout(timer);
  }, [id, mutate]);
  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="md"
      title={t("credentials.test.of", { name: credential.name })}
      actions={
        <>
          <Button icon="refresh" isPending={test.isPending} onPress={() => mutate({ credential: id, flow: null })}>
            {t("credentials.test.again")}
          </Button>
          <Button look="primary" onPress={onClose}>
            {t("credentials.done")}
          </Button>
        </>
      }
    >
      {test.isError ? (
        <Notice tone="bad" title={explain(test.error).says}>
          {explain(test.error).advice}
        </Notice>
      ) : test.data === undefined || test.isPending ? (
        <Testing system={system} />
      ) : (
        <TestResult test={test.data} system={system} />
      )}
    </Dialog>
  );
}

function RemoveDialog({ credential, connector, onClose }: { credential: Credential; connector: Connector | undefined; onClose: () => void }) {
  const { t, text } = useLanguage();
  const remove = useRemoveCredential();
  const { id, name, used_by } = credential;
  const ends = connector?.methods.some((method) => method.id === credential.method && method.ends) ?? false;
  if (used_by.length > 0) {
    return (
      <Dialog isOpen onClose={onClose} title={t("credentials.in-use.title", { name })} actions={<Button look="primary" onPress={onClose}>{t("action.close")}</Button>}>
        <p>{t("credentials.in-use.text")}</p>
        <ul className="stack">
          {used_by.map((use) => (
            <li key={use.automation}>
              <Link to={paths.automation(use.automation)}>{text(use.title)}</Link>
            </li>
          ))}
        </ul>
      </Dialog>
    );
  }
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={t("credentials.remove.title", { name })}
      action={t("action.remove")}
      danger
      onConfirm={() => remove.mutateAsync({ credential: id, connection: "end" })}
      instead={{
        action: t("credentials.remove.alone"),
        helps: (error) => error instanceof ApiProblem && error.code === "connect.not-ended",
        onConfirm: () => remove.mutateAsync({ credential: id, connection: "keep" }),
      }}
    >
      {ends ? t("credentials.remove.ends", { system: text(connector?.title) }) : t("credentials.remove.text")}
    </Confirm>
  );
}
