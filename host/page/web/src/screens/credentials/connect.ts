/** Signing in to a system in a window of its own: the address is asked for, and what the window gives is a token. */

import { useCallback, useRef, useState } from "react";

import { part } from "../../api/client";
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
