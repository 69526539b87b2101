/**
 * Fields of a credential, the help beside them, and a test right after saving. What was turned down stays in the
 * form: the next try replaces it instead of adding another one. Where a system has a window of its own to sign in
 * with, that takes the place of the fields.
 */

import { type ReactNode, type SyntheticEvent, useId, useRef, useState } from "react";

import { ApiProblem } from "../../api/problem";
import type { Connector, ConnectorField, ConnectorMethod, Credential, CredentialTest, NamedTitle } from "../../api/types";
import { errorAt, escaped } from "../../forms/schema";
import { useLanguage } from "../../i18n";
import { capital } from "../../i18n/language";
import { Button, Detail, Notice, RadioGroup, SecretField, TextField } from "../../ui";
import { freeName, methodsOf, useStoreCredential, useTestCredential } from "./actions";
import { type Gift, gift, leftOf, offeredAs, useConnect } from "./connect";
import { ConnectDialog } from "./ConnectDialog";
import { MethodHelp } from "./MethodHelp";
import { Testing, TestResult } from "./TestResult";
import "../../forms/forms.css";
import "./credentials.css";

export interface CredentialFormProps {
  connector: Connector;
  /** What the test asks for the rights of. */
  flow?: { name: string; attributes: readonly NamedTitle[] } | null;
  /** Names that are in use. */
  taken: readonly string[];
  /** In place of what this one holds. */
  existing?: Credential | null;
  /** Saved, and about to be tested. */
  onSaved?: (credential: string) => void;
  /** Saved, and tested without being turned down. */
  onDone: (credential: Credential, test: CredentialTest) => void;
  /** Puts the button that saves into its place. */
  footer: (submit: ReactNode) => ReactNode;
}

export function CredentialForm({ connector, flow = null, taken, existing = null, onSaved, onDone, footer }: CredentialFormProps) {
  const { t, text, error: explain } = useLanguage();
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const methods = methodsOf(connector, existing);
  const system = text(connector.title);
  const [name, setName] = useState(() => existing?.name ?? freeName(system, taken));
  const [methodId, setMethod] = useState(() => (methods.some((one) => one.id === existing?.method) ? existing?.method : methods[0]?.id) ?? "");
  const [values, setValues] = useState<Record<string, string>>(() => publicOf(existing));
  const [saved, setSaved] = useState<string | null>(existing?.id ?? null);
  const [missing, setMissing] = useState<readonly string[]>([]);
  const [closed, setClosed] = useState(false);
  const [failedToOpen, setFailedToOpen] = useState<unknown>(null);
  const connecting = useConnect(connector.id);
  const given = useRef<Gift | null>(null);
  // Signed in and saved: what is left to do is the test.
  const [connected, setConnected] = useState(false);
  const [known, setKnown] = useState<Credential | null>(null);
  const store = useStoreCredential(connector);
  const test = useTestCredential();
  const method = methods.find((one) => one.id === methodId);
  if (method === undefined) return null;

  const problem = store.error instanceof ApiProblem ? store.error : null;
  const errors = problem?.errors ?? [];
  const pending = store.isPending || test.isPending || connecting.window !== null;
  const has = (field: ConnectorField) => (values[field.name] ?? "").trim() !== "";
  const says = (field: ConnectorField): string | undefined => {
    if (missing.includes(field.name) && !has(field)) return t("form.missing");
    const error = errorAt(errors, `/${field.secret ? "secrets" : "public"}/${escaped(field.name)}`);
    return error === undefined ? undefined : capital(error.message);
  };
  const nameTaken = problem?.code === "store.exists" || (saved === null && taken.includes(name.trim()));
  const nameSays = missing.includes("") && name.trim() === "" ? t("form.missing") : nameTaken ? explainedName(explain, store.error) : errorAt(errors, "/name")?.message;
  const shownBeside = nameTaken || errors.some((error) => /^\/(name|public|secrets)/.test(error.pointer));

  /** Stores what was entered, or what signing in gave; null if that was given up. */
  const save = async (method: ConnectorMethod): Promise<Credential | null> => {
    let own: Gift | null = null;
    if (method.sign_in) {
      own = given.current?.method === method.id ? offeredAs(given.current, name) : null;
      if (own === null) {
        try {
          const token = await connecting.open(method.id, saved);
          if (token === null) return null;
          own = gift(method.id, token, name);
        } catch (error) {
          setFailedToOpen(error);
          throw error;
        }
      }
    }
    given.current = own;
    const entered = { name, method: method.id, values, ...(own !== null && { token: own.token, key: own.key }) };
    let credential: Credential;
    try {
      credential = await store.mutateAsync({ entered, existing: saved });
    } catch (error) {
      given.current = own && leftOf(own, error);
      throw error;
    }
    given.current = null;
    setSaved(credential.id);
    setKnown(credential);
    setConnected(method.sign_in);
    onSaved?.(credential.id);
    return credential;
  };

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (pending) return;
    const lacking = [...(name.trim() === "" ? [""] : []), ...method.fields.filter((field) => field.required && !has(field)).map((field) => field.name)];
    setMissing(lacking);
    setClosed(false);
    setFailedToOpen(null);
    store.reset();
    test.reset();
    if (lacking.length > 0) {
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
      return;
    }
    try {
      const credential = connected && known !== null ? known : await save(method);
      if (credential === null) {
        setClosed(true);
        return;
      }
      const result = await test.mutateAsync({ credential: credential.id, flow: flow?.name ?? null });
      if (result.failure === null) onDone(credential, result);
    } catch {
      // Both say themselves what is wrong.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>("[aria-invalid]")?.focus());
    }
  };

  const failure = failedToOpen ?? store.error ?? test.error;
  return (
    <form ref={form} id={id} noValidate onSubmit={(event) => void submit(event)}>
      <div className="connect">
        <div className="form">
          {methods.length > 1 && (
            <RadioGroup
              label={t("credentials.method")}
              boxed
              value={method.id}
              onChange={(id) => {
                setMethod(id);
                setClosed(false);
              }}
              choices={methods.map((one) => ({ value: one.id, label: text(one.title) }))}
              disabled={pending}
            />
          )}
          {method.sign_in && <p className="connect-how">{t(connected ? "connect.saved" : existing === null ? "connect.how" : "connect.how.again", { system })}</p>}
          {method.fields.map((field, index) => {
            const Control = field.secret ? SecretField : TextField;
            return (
              <Control
                key={`${method.id} ${field.name}`}
                label={text(field.title)}
                hint={text(field.help)}
                required={field.required}
                value={values[field.name] ?? ""}
                onChange={(value) => setValues({ ...values, [field.name]: value })}
                error={says(field)}
                disabled={pending}
                autoFocus={index === 0}
                {...(field.format === "uri" && !field.secret ? { type: "url", placeholder: "https://" } : {})}
              />
            );
          })}
          {existing === null && (
            <TextField
              label={t("credentials.name")}
              hint={t("credentials.name.help")}
              required
              value={name}
              onChange={setName}
              error={nameSays}
              disabled={pending || saved !== null}
            />
          )}
          {failure !== null && !shownBeside && (
            <Notice tone="bad" title={explain(failure).says}>
              {explain(failure).advice} <Detail of={explain(failure)} />
            </Notice>
          )}
          {closed && <Notice title={t("connect.closed")}>{t("connect.closed.text")}</Notice>}
          {test.isPending && <Testing system={system} />}
          {test.data?.failure != null && <TestResult test={test.data} system={system} brief />}
          {footer(
            <Button type="submit" look="primary" isPending={pending}>
              {t(connected ? "credentials.test.again" : method.sign_in ? (existing === null ? "connect.do" : "connect.again") : test.data?.failure == null ? "credentials.save" : "credentials.save.again", { system })}
            </Button>,
          )}
        </div>
        <MethodHelp method={method} system={system} attributes={flow?.attributes ?? []} />
      </div>
      {connecting.window !== null && <ConnectDialog window={connecting.window} system={system} />}
    </form>
  );
}

/** What is not secret need not be typed again. */
function publicOf(existing: Credential | null): Record<string, string> {
  const entries = Object.entries(existing?.public ?? {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function explainedName(explain: (error: unknown) => { says: string; advice: string | null }, error: unknown): string {
  const { says, advice } = explain(error ?? new ApiProblem({ type: "", title: "", status: 409, code: "store.exists", detail: "" }));
  return [says, advice].filter(Boolean).join(" ");
}
