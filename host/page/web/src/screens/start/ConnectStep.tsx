/** One of the two systems: choose credentials or add them, and see right by right what they may. */

import { useEffect, useState } from "react";

import { useConnectors, useCredentials } from "../../api/hooks";
import type { Connector, Credential, Flow } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Button, Checkbox, ConnectorIcon, ErrorState, Icon, Loading, Notice, Skeleton } from "../../ui";
import { useTestCredential } from "../credentials/actions";
import { CredentialForm } from "../credentials/CredentialForm";
import { accountOf } from "../credentials/account";
import { MethodHelp } from "../credentials/MethodHelp";
import { TestMark } from "../credentials/TestMark";
import { missingOf, Testing, TestResult } from "../credentials/TestResult";
import { isReady, type Side } from "./draft";
import { Footer, StepTitle } from "./Step";

interface Props {
  flow: Flow;
  which: "source" | "target";
  side: Side;
  onChange: (side: Side) => void;
  onBack: (() => void) | null;
  onNext: () => void;
}

export function ConnectStep(props: Props) {
  const { flow, which } = props;
  const { t, text } = useLanguage();
  const system = text(flow[which].title);
  const connectors = useConnectors();
  const credentials = useCredentials();
  const connector = connectors.data?.find((one) => one.id === flow[which].connector);
  const failed = connectors.error ?? credentials.error;
  const lead = which === "target" ? "start.connect.target" : flow.records === "documents" ? "start.connect.source.documents" : "start.connect.source";
  return (
    <section className="step">
      <StepTitle title={t("start.connect", { system })}>{t(lead)}</StepTitle>
      {connector !== undefined && credentials.data !== undefined ? (
        <Connect {...props} connector={connector} all={credentials.data} />
      ) : failed !== null ? (
        <ErrorState
          error={failed}
          onRetry={() => {
            void connectors.refetch();
            void credentials.refetch();
          }}
        />
      ) : (
        <Loading>
          <Skeleton lines={[60, 60]} height={56} />
        </Loading>
      )}
    </section>
  );
}

/** The one to begin with: what works already comes first. */
function best(list: readonly Credential[]): string | null {
  const worth = (credential: Credential) => (credential.tested === "ok" ? 4 : credential.tested === "failed" ? 0 : 2) + (credential.used_by.length > 0 ? 1 : 0);
  return [...list].sort((one, other) => worth(other) - worth(one))[0]?.id ?? null;
}

function Connect({ flow, which, side, onChange, onBack, onNext, connector, all }: Props & { connector: Connector; all: readonly Credential[] }) {
  const { t, text, error: explain } = useLanguage();
  const [adding, setAdding] = useState(() => all.every((credential) => credential.connector !== connector.id));
  // What is being added is in the form, and not yet among those to choose from.
  const [added, setAdded] = useState<string | null>(null);
  const list = all.filter((credential) => credential.connector === connector.id && !(adding && credential.id === added));
  const [replacing, setReplacing] = useState(false);
  const test = useTestCredential();
  const { mutate } = test;
  const system = text(connector.title);
  const chosen = side.credential;
  const untested = chosen !== null && side.test === null;
  const first = chosen === null && !adding ? best(list) : null;

  useEffect(() => {
    if (first !== null) onChange({ credential: first, test: null, accepted: false });
  }, [first, onChange]);
  useEffect(() => {
    if (!untested || chosen === null) return;
    // Put off, so that what is only passed over is not asked for.
    const timer = setTimeout(
      () => mutate({ credential: chosen, flow: flow.name }, { onSuccess: (result) => onChange({ credential: chosen, test: result, accepted: false }) }),
      200,
    );
    return () => clearTimeout(timer);
  }, [untested, chosen, flow.name, mutate, onChange]);

  const back = onBack !== null && (
    <Button look="quiet" icon="arrow-left" onPress={onBack}>
      {t("start.back")}
    </Button>
  );
  const cancel = (
    <Button look="quiet" onPress={() => setReplacing(false)}>
      {t("action.cancel")}
    </Button>
  );
  const picker = list.length > 0 && (
    <Picker
      connector={connector}
      list={list}
      value={adding ? null : chosen}
      onChange={(credential) => {
        setAdding(credential === null);
        setAdded(null);
        setReplacing(false);
        test.reset();
        onChange({ credential, test: null, accepted: false });
      }}
    />
  );
  const attributes = which === "source" && flow.records === "people" ? flow.reads : [];
  const replaced = replacing ? list.find((credential) => credential.id === chosen) : undefined;
  if (adding || replaced !== undefined) {
    return (
      <div className="stack">
        {picker}
        <CredentialForm
          key={replaced?.id ?? "new"}
          connector={connector}
          existing={replaced ?? null}
          flow={{ name: flow.name, attributes }}
          taken={all.map((credential) => credential.name)}
          onSaved={setAdded}
          onDone={(credential, result) => {
            setAdding(false);
            setReplacing(false);
            onChange({ credential: credential.id, test: result, accepted: false });
          }}
          footer={(submit) => <Footer back={replaced === undefined ? back : cancel}>{submit}</Footer>}
        />
      </div>
    );
  }
  const missing = side.test === null ? [] : missingOf(side.test);
  const again = () => onChange({ ...side, test: null, accepted: false });
  const method = connector.methods.find((one) => one.id === list.find((credential) => credential.id === chosen)?.method) ?? connector.methods[0];
  return (
    <div className={missing.length > 0 ? "connect connect-known" : "connect-known"}>
      <div className="stack">
        {picker}
        {test.isError && side.test === null ? (
          <Notice tone="bad" title={explain(test.error).says} actions={<Button size="sm" icon="refresh" onPress={() => chosen !== null && mutate({ credential: chosen, flow: flow.name }, { onSuccess: (result) => onChange({ credential: chosen, test: result, accepted: false }) })}>{t("action.retry")}</Button>}>
            {explain(test.error).advice}
          </Notice>
        ) : side.test === null ? (
          chosen !== null && <Testing system={system} />
        ) : (
          <TestResult brief test={side.test} system={system} {...(side.test.failure !== null || missing.length > 0 ? { onAgain: again, onReplace: () => setReplacing(true) } : {})} />
        )}
        {side.test?.failure === null && missing.length > 0 && (
          <div className="accept">
            <Checkbox checked={side.accepted} onChange={(accepted) => onChange({ ...side, accepted })} hint={t("start.accept.text")}>
              {t("start.accept")}
            </Checkbox>
          </div>
        )}
        <Footer back={back}>
          <Button look="primary" onPress={onNext} isDisabled={!isReady(side)}>
            {t("start.continue")}
          </Button>
        </Footer>
      </div>
      {missing.length > 0 && method !== undefined && <MethodHelp method={method} system={system} attributes={attributes} />}
    </div>
  );
}

interface PickerProps {
  connector: Connector;
  list: readonly Credential[];
  /** Null: new ones. */
  value: string | null;
  onChange: (credential: string | null) => void;
}

function Picker({ connector, list, value, onChange }: PickerProps) {
  const { t, text } = useLanguage();
  return (
    <fieldset className="field picker">
      <legend className="field-label">{t("start.existing")}</legend>
      {list.map((credential) => (
        <label key={credential.id} className="pick">
          <input type="radio" className="tick-radio" name="credential" checked={value === credential.id} onChange={() => onChange(credential.id)} />
          <ConnectorIcon icon={connector.icon} title={text(connector.title)} size={28} />
          <span className="pick-text">
            <strong>{credential.name}</strong>
            <small>{accountOf(credential)}</small>
          </span>
          <TestMark tested={credential.tested} />
        </label>
      ))}
      <label className="pick">
        <input type="radio" className="tick-radio" name="credential" checked={value === null} onChange={() => onChange(null)} />
        <span className="pick-plus">
          <Icon name="plus" />
        </span>
        <span className="pick-text">
          <strong>{t("start.new")}</strong>
          <small>{t("start.new.text", { system: text(connector.title) })}</small>
        </span>
      </label>
    </fieldset>
  );
}
