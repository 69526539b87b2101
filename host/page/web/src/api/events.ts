/**
 * Server-sent events, read from a fetch: an EventSource could not carry the token in a header. When the stream
 * breaks it is opened again after a while; whoever listens asks the API for what was missed.
 */

import type { Api } from "./client";

export interface ServerEvent {
  event: string;
  data: string;
}

/** Cuts a stream of text into events, whatever pieces it arrives in. */
export class EventParser {
  #rest = "";
  #event = "";
  #data: string[] = [];

  push(chunk: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.#rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) events.push({ event: this.#event || "message", data: this.#data.join("\n") });
        this.#event = "";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") this.#event = text;
      if (field === "data") this.#data.push(text);
    }
    return events;
  }
}

/** The longest silence before a stream is taken for dead: the server says something every 10 s. */
const SILENCE_MS = 35_000;
const RETRY_MS = [1_000, 2_000, 5_000, 15_000, 30_000];

export interface Listener {
  event(event: ServerEvent): void;
  /** The stream is open (true) or broken (false): then somebody has to ask. */
  connected(open: boolean): void;
}

/** Listens until the signal ends it. */
export async function listen(api: Api, path: string, listener: Listener, signal: AbortSignal): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const round = new AbortController();
    const stop = () => round.abort();
    signal.addEventListener("abort", stop, { once: true });
    let silence: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(stop, SILENCE_MS);
    };
    try {
      const response = await api.send("GET", path, undefined, { signal: round.signal }, "text/event-stream");
      if (response.body === null) throw new Error("the answer has no body");
      heard();
      listener.connected(true);
      failures = 0;
      const parser = new EventParser();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        heard();
        for (const event of parser.push(value)) listener.event(event);
      }
    } catch {
      failures += 1;
    } finally {
      clearTimeout(silence);
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) return;
    listener.connected(false);
    await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 1_000, signal);
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
