import { createContext, useContext } from "react";

import type { Session } from "../api/types";
import type { Surroundings } from "./start";

export const SurroundingsContext = createContext<Surroundings | null>(null);
export const SessionContext = createContext<Session | null>(null);

export function useSurroundings(): Surroundings {
  const value = useContext(SurroundingsContext);
  if (value === null) throw new Error("outside of the page");
  return value;
}

export function useApi() {
  return useSurroundings().api;
}

/** Who is signed in. */
export function useSession(): Session {
  const value = useContext(SessionContext);
  if (value === null) throw new Error("outside of a session");
  return value;
}

/** Whether the person may change anything. A viewer is shown no actions. */
export function useIsOwner(): boolean {
  return useSession().role === "owner";
}
