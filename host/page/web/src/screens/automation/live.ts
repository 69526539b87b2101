/** What happens to an automation while somebody looks: by events, or by asking where events do not get through. */

import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { part } from "../../api/client";
import { listen } from "../../api/events";
import { keys, putAutomation } from "../../api/hooks";
import type { Automation, Progress } from "../../api/types";
import { useApi } from "../../session/context";

export interface Live {
  /** How far the present run is; null if none is under way, or nothing was heard of it yet. */
  progress: Progress | null;
  /** Events arrive. If not, somebody has to ask. */
  connected: boolean;
}

const ASK_MS = 4_000;

/** Loads anew what is shown. What could not be loaded at all keeps saying so, until somebody tries again. */
function refresh(client: QueryClient, id: string): void {
  if (client.getQueryData(keys.automation(id)) === undefined) return;
  void client.invalidateQueries({ queryKey: keys.automation(id) }, { cancelRefetch: false });
  void client.invalidateQueries({ queryKey: keys.runsOf(id) }, { cancelRefetch: false });
}

export function useLive(id: string): Live {
  const api = useApi();
  const client = useQueryClient();
  const [progress, setProgress] = useState<Progress | null>(null);
  const [connected, setConnected] = useState(true);

  useEffect(() => {
    const ended = new AbortController();
    const reload = () => refresh(client, id);
    void listen(
      api,
      `automations/${part(id)}/events`,
      {
        event: ({ event, data }) => {
          let value: unknown;
          try {
            value = JSON.parse(data);
          } catch {
            return;
          }
          if (event === "progress") setProgress(value as Progress);
          if (event === "standing") {
            putAutomation(client, value as Automation);
            // Its version is known to a request only.
            reload();
          }
          if (event === "ended") {
            setProgress(null);
            const { run } = value as { run: number };
            void client.invalidateQueries({ queryKey: keys.run(run) });
            void client.invalidateQueries({ queryKey: ["runs", "records", run] });
            void client.invalidateQueries({ queryKey: keys.staged(id) });
            void client.invalidateQueries({ queryKey: keys.documents(id) });
            reload();
          }
        },
        connected: (open) => {
          setConnected(open);
          if (!open) setProgress(null);
          else reload();
        },
      },
      ended.signal,
    );
    return () => ended.abort();
  }, [api, client, id]);

  useEffect(() => {
    if (connected) return;
    const timer = setInterval(() => refresh(client, id), ASK_MS);
    return () => clearInterval(timer);
  }, [client, connected, id]);

  return { progress, connected };
}
