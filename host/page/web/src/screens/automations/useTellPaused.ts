import { useEffect, useRef } from "react";

import type { Automation } from "../../api/types";
import { useSurroundings } from "../../session/context";

/** Tells the vendor's page of automations that were seen running and now are paused. */
export function useTellPaused(automations: readonly Automation[]): void {
  const { tell } = useSurroundings();
  const seen = useRef(new Map<string, Automation["state"]>());
  useEffect(() => {
    for (const { id, flow, state, hold } of automations) {
      const before = seen.current.get(id);
      if (state === "paused" && before !== undefined && before !== "paused") {
        tell("automation-paused", { automation: id, flow, reason: hold?.failure.code ?? hold?.failure.kind ?? null });
      }
      seen.current.set(id, state);
    }
  }, [automations, tell]);
}
