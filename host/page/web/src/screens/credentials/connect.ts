/** Signing in to a system in a window of its own: the address is asked for, and what the window gives is a token. */

import { useCallback, useRef, useState } from "react";

import { part } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { ConnectWindow } from "../../api/types";
import { useApi } from "../../session/context";

/** A window that is open, and what ends it. */
export interface OpenWindow extends ConnectWindow {
  /** Null: it was closed before somebody was done. */
  end: (token: string | null) => void;
  fail: (error: unknown) => void;
}

export interface Connecting {
  window: OpenWindow | null;
  /** Gives the window's token, or null if it was closed; `credential` names a connection that is signed in to anew. */
  open: (method: string, credential: string | null) => Promise<string | null>;
}

export function useConnect(connector: string): Connecting {
  const api = useApi();
  const [window, setWindow] = useState<OpenWindow | null>(null);
  const busy = useRef(false);
  const open = useCallback(
    async (method: string, credential: string | null) => {
      // A second press while the address is on its way opens nothing.
      if (busy.current) return null;
      busy.current = true;
      try {
        const wanted = credential === null ? { method } : { method, credential };
        const made = await api.post<ConnectWindow>(`connectors/${part(connector)}/connect`, wanted);
        return await new Promise<string | null>((end, fail) => setWindow({ ...made, end, fail }));
      } finally {
        busy.current = false;
        setWindow(null);
      }
    },
    [api, connector],
  );
  return { window, open };
}

/**
 * What a window gave, and what it was last offered as. It is offered until the server has taken it up or turned it
 * down: another window would make another connection at the other system, and the first would go on reading there.
 */
export interface Gift {
  method: string;
  token: string;
  name: string;
  /** Of the request that offers it: one whose answer was lost is done once. */
  key: string;
}

export const gift = (method: string, token: string, name: string): Gift => ({ method, token, name: name.trim(), key: crypto.randomUUID() });

/** The same for the next try; another name makes it another request. */
export const offeredAs = (of: Gift, name: string): Gift => (of.name === name.trim() ? of : gift(of.method, of.token, name));

/** What is left of it after a try that has failed. */
export function leftOf(of: Gift, error: unknown): Gift | null {
  if (!(error instanceof ApiProblem)) return of;
  if (error.code === "connect.refused" || error.code === "connect.other") return null;
  return error.passes || error.code === "idempotency.busy" ? of : gift(of.method, of.token, of.name);
}
