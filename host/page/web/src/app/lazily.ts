/** Code that comes when it is needed, and what is thrown when it does not come. */

import { type ComponentType, lazy, type LazyExoticComponent } from "react";

/** A part of the page could not be loaded: no network, or the server has a newer page. Loading anew helps with both. */
export class NotLoaded extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "NotLoaded";
  }
}

export function lazily<Props extends object>(load: () => Promise<{ default: ComponentType<Props> }>): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    try {
      return await load();
    } catch (error) {
      throw new NotLoaded(error);
    }
  });
}

/** Fetches code ahead once nothing else is to be done; if that fails it is fetched when it is needed. */
export function ahead(loads: readonly (() => Promise<unknown>)[]): void {
  const idle = globalThis.requestIdleCallback ?? ((call: () => void) => setTimeout(call, 500));
  idle(() => {
    for (const load of loads) load().catch(() => undefined);
  });
}
