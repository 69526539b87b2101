/** What forms and wizards ask the API for, and under which keys it is kept. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { part } from "../api/client";
import type { ExpressionCheck, LookupItem, Page, Requirement, Sample, Settings } from "../api/types";
import { useApi } from "../session/context";

export function useRequirements(flow: string, source: string, target: string) {
  const api = useApi();
  return useQuery<Requirement[]>({
    queryKey: ["requirements", flow, source, target],
    // The other flow may just be at it.
    refetchInterval: (query) => (query.state.data?.some((one) => !one.met) === true ? 5_000 : false),
    queryFn: ({ signal }) =>
      api.get<Page<Requirement>>(`flows/${part(flow)}/requirements`, { signal, query: { source, target } }).then((page) => page.items),
  });
}

/** A few records of the source, live; they are somebody's data and not kept for longer than the screen. */
export function useSamples(credential: string | null, stream: string) {
  const api = useApi();
  return useQuery({
    queryKey: ["samples", credential, stream],
    enabled: credential !== null,
    staleTime: 5 * 60_000,
    gcTime: 0,
    queryFn: ({ signal }) => api.get<Page<Sample>>(`credentials/${part(credential ?? "")}/samples`, { signal, query: { stream } }).then((page) => page.items),
  });
}

export function useLookup(credential: string | null, lookup: string, search: string) {
  const api = useApi();
  return useQuery<LookupItem[]>({
    queryKey: ["lookup", credential, lookup, search],
    enabled: credential !== null,
    staleTime: 60_000,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      api
        .get<Page<LookupItem>>(`credentials/${part(credential ?? "")}/lookups/${part(lookup)}`, { signal, query: { search, limit: 50 } })
        .then((page) => page.items),
  });
}

export interface Question {
  flow: string;
  field: string;
  expression: string;
  record?: Record<string, unknown> | undefined;
  settings: Settings;
}

/** What the server says of an expression. Asked anew for each text, so callers hand in one that has settled. */
export function useExpression(question: Question, enabled = true) {
  const api = useApi();
  const { flow, ...body } = question;
  return useQuery<ExpressionCheck>({
    queryKey: ["expression", question],
    enabled,
    staleTime: Infinity,
    gcTime: 60_000,
    retry: 1,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api.post<ExpressionCheck>(`flows/${part(flow)}/expressions`, body, { signal }),
  });
}

/** `value`, once it has not changed for a moment. */
export function useSettled<Value>(value: Value, milliseconds = 300): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}
