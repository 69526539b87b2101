/** Adding, replacing, testing and removing credentials. */

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { part } from "../../api/client";
import { keys } from "../../api/hooks";
import type { Connector, ConnectorMethod, Credential, CredentialTest } from "../../api/types";
import { useApi, useSurroundings } from "../../session/context";

/** What is filled in for one way of signing in. */
export interface Entered {
  name: string;
  method: string;
  values: Readonly<Record<string, string>>;
  /** What the system's own window gave. */
  token?: string;
  /** Under which it is stored once. */
  key?: string;
}

/**
 * Ways to sign in. What replaces a connection must be the same connection: signing in anew to it, where that is
 * possible, but no new one; and no other way where the connection ends with its credentials and would be left behind.
 */
export function methodsOf(connector: Connector, existing: Credential | null = null): ConnectorMethod[] {
  if (existing === null) return connector.methods;
  const bound = connector.methods.some((method) => method.id === existing.method && method.ends);
  return connector.methods.filter((method) => (method.sign_in ? method.renews && method.id === existing.method : !bound));
}

/** A name that no other has: "Personio", "Personio 2". */
export function freeName(title: string, taken: readonly string[]): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? title : `${title} ${number}`;
    if (!taken.includes(name)) return name;
  }
}

/** Fields as they are sent: what is empty is left out. */
export function sent(method: ConnectorMethod, values: Readonly<Record<string, string>>) {
  const of = (secret: boolean) =>
    Object.fromEntries(
      method.fields
        .filter((field) => field.secret === secret)
        .map((field) => [field.name, (values[field.name] ?? "").trim()])
        .filter(([, value]) => value !== ""),
    );
  return { public: of(false), secrets: of(true) };
}

/** Stores what was entered: a new credential, or in place of what `existing` holds. */
export function useStoreCredential(connector: Connector) {
  const { api, tell } = useSurroundings();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ entered, existing }: { entered: Entered; existing: string | null }): Promise<Credential> => {
      const method = connector.methods.find((one) => one.id === entered.method);
      const entries = method === undefined ? { public: {}, secrets: {} } : sent(method, entered.values);
      const fields = entered.token === undefined ? entries : { ...entries, token: entered.token };
      if (existing !== null) {
        return (await api.put<Credential>(`credentials/${part(existing)}`, { method: entered.method, ...fields }, { etag: "*" })).value;
      }
      const body = { name: entered.name.trim(), connector: connector.id, method: entered.method, ...fields };
      return api.post<Credential>("credentials", body, { key: entered.key });
    },
    onSuccess: (credential, { existing }) => {
      if (existing === null) tell("credential-added", { credential: credential.id, connector: credential.connector });
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.credentials() }),
  });
}

/** Asks the other system; with a flow, for the rights that this flow uses. */
export function useTestCredential() {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ credential, flow }: { credential: string; flow: string | null }) =>
      api.post<CredentialTest>(`credentials/${part(credential)}/test`, flow === null ? {} : { flow }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.credentials() }),
  });
}

/** Removes a credential. The connection that it was made with is ended in its system, or kept. */
export function useRemoveCredential() {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ credential, connection }: { credential: string; connection: "end" | "keep" }) =>
      api.delete(`credentials/${part(credential)}`, { etag: "*", query: { connection } }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.credentials() }),
  });
}
