/**
 * What screens ask the API for, by TanStack Query. A key begins with the resource, so that a change can make
 * everything that shows it load anew.
 */

import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";

import { useApi, useSurroundings } from "../session/context";
import { type Api, part, type Query, type Tagged } from "./client";
import type {
  Automation,
  AutomationAction,
  AutomationPatch,
  Connector,
  Credential,
  Flow,
  HistoryEntry,
  OpenDocument,
  OutcomeKind,
  Page,
  Run,
  RunRecord,
  RunStatus,
  StagedRecord,
} from "./types";

export const keys = {
  flows: () => ["flows"] as const,
  flow: (name: string) => ["flows", name] as const,
  connectors: () => ["connectors"] as const,
  connector: (id: string) => ["connectors", id] as const,
  credentials: () => ["credentials"] as const,
  credentialsOf: (connector: string | null) => ["credentials", "list", connector] as const,
  credential: (id: string) => ["credentials", "one", id] as const,
  automations: () => ["automations"] as const,
  automationList: () => ["automations", "list"] as const,
  automation: (id: string) => ["automations", "one", id] as const,
  staged: (id: string) => ["automations", "staged", id] as const,
  documents: (id: string) => ["automations", "documents", id] as const,
  history: (id: string) => ["automations", "history", id] as const,
  runs: (automation: string, status: RunStatus | null = null) => ["runs", "list", automation, status] as const,
  runsOf: (automation: string) => ["runs", "list", automation] as const,
  run: (id: number) => ["runs", "one", id] as const,
  records: (run: number, kinds: readonly OutcomeKind[] = []) => ["runs", "records", run, ...kinds] as const,
};

/** All of a list that is short by nature. */
async function all<Item>(api: Api, path: string, query: Query, signal: AbortSignal): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<Item> = await api.get<Page<Item>>(path, { query: { ...query, limit: 200, cursor }, signal });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

/** A list that is read page by page as somebody scrolls. */
export function usePages<Item>(key: readonly unknown[], path: string, query: Query = {}, enabled = true) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: key,
    enabled,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<Page<Item>>(path, { query: { ...query, cursor: pageParam }, signal }),
    getNextPageParam: (last: Page<Item>) => last.next,
  });
}

/** The items of the pages that were read so far. */
export function itemsOf<Item>(data: InfiniteData<Page<Item>> | undefined): Item[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}

export function useFlows() {
  const api = useApi();
  return useQuery({ queryKey: keys.flows(), queryFn: ({ signal }) => all<Flow>(api, "flows", {}, signal) });
}

export function useFlow(name: string) {
  const api = useApi();
  return useQuery({ queryKey: keys.flow(name), queryFn: ({ signal }) => api.get<Flow>(`flows/${part(name)}`, { signal }) });
}

export function useConnectors() {
  const api = useApi();
  return useQuery({ queryKey: keys.connectors(), queryFn: ({ signal }) => all<Connector>(api, "connectors", {}, signal) });
}

export function useCredentials(connector: string | null = null, enabled = true) {
  const api = useApi();
  return useQuery({
    queryKey: keys.credentialsOf(connector),
    enabled,
    queryFn: ({ signal }) => all<Credential>(api, "credentials", { connector }, signal),
  });
}

export function useAutomations() {
  const api = useApi();
  return useQuery({
    queryKey: keys.automationList(),
    queryFn: ({ signal }) => all<Automation>(api, "automations", {}, signal),
    // What runs is looked at more often than what stands still.
    refetchInterval: (query) => (query.state.data?.some((one) => one.running) === true ? 3_000 : 20_000),
  });
}

export function useAutomation(id: string) {
  const api = useApi();
  return useQuery({
    queryKey: keys.automation(id),
    queryFn: ({ signal }) => api.getTagged<Automation>(`automations/${part(id)}`, { signal }),
  });
}

export function useRuns(automation: string, status: RunStatus | null = null) {
  return usePages<Run>(keys.runs(automation, status), "runs", { automation, status, limit: 30 });
}

export function useRun(id: number, live = false) {
  const api = useApi();
  return useQuery({
    queryKey: keys.run(id),
    queryFn: ({ signal }) => api.get<Run>(`runs/${id}`, { signal }),
    refetchInterval: (query) => (live && query.state.data?.status === "running" ? 3_000 : false),
  });
}

export function useRecords(run: number, kinds: readonly OutcomeKind[]) {
  return usePages<RunRecord>(keys.records(run, kinds), `runs/${run}/records`, { kind: kinds.join(","), limit: 200 });
}

export function useStaged(id: string) {
  return usePages<StagedRecord>(keys.staged(id), `automations/${part(id)}/staged`);
}

export function useDocuments(id: string) {
  return usePages<OpenDocument>(keys.documents(id), `automations/${part(id)}/documents`);
}

export function useHistory(id: string) {
  return usePages<HistoryEntry>(keys.history(id), `automations/${part(id)}/history`);
}

/** Puts a newer automation wherever the old one is shown. */
export function putAutomation(client: QueryClient, automation: Automation, etag?: string): void {
  client.setQueryData<Tagged<Automation>>(keys.automation(automation.id), (old) => ({
    value: automation,
    etag: etag ?? old?.etag ?? "*",
  }));
  client.setQueryData<Automation[]>(keys.automationList(), (old) => old?.map((one) => (one.id === automation.id ? automation : one)));
}

/** Run now, deactivate, re-activate and the like. */
export function useAutomationAction(id: string) {
  const { api, tell } = useSurroundings();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ action, body = {} }: { action: AutomationAction; body?: object }) =>
      api.post<Automation>(`automations/${part(id)}/${action}`, body),
    onSuccess: (automation, { action }) => {
      putAutomation(client, automation);
      if (action === "deactivate") tell("automation-deactivated", { automation: id, flow: automation.flow });
      if (action === "reactivate") tell("automation-reactivated", { automation: id, flow: automation.flow });
    },
    // The version has changed with it, and the server's order of the list.
    onSettled: () => Promise.all([client.invalidateQueries({ queryKey: keys.automations() }), client.invalidateQueries({ queryKey: keys.runsOf(id) })]),
  });
}

/** Changes settings, schedule, contacts or credentials; a change of somebody else in between is not overwritten. */
export function useAutomationPatch(id: string) {
  const api = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ patch, etag }: { patch: AutomationPatch; etag: string }) =>
      api.patch<Automation>(`automations/${part(id)}`, patch, { etag }),
    onSuccess: ({ value, etag }) => putAutomation(client, value, etag),
    onSettled: () => client.invalidateQueries({ queryKey: keys.automations() }),
  });
}
