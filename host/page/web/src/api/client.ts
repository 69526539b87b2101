/**
 * Speaks to the REST API. Every request carries the session's token; one that is turned down as expired is sent
 * once more with a fresh one. Every POST carries a key of its own, so that a request that is repeated because its
 * answer was lost is done once.
 */

import { NoAnswer, problemOf } from "./problem";

/** Where tokens come from. */
export interface TokenSource {
  /** A token that is good for the next seconds. */
  token(): Promise<string>;
  /** A token other than the one that was turned down. */
  fresh(rejected: string): Promise<string>;
}

/** A value with the version that a change of it has to name. */
export interface Tagged<Value> {
  value: Value;
  etag: string;
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Options {
  query?: Query | undefined;
  signal?: AbortSignal | undefined;
  /** Version that is changed; `*` changes whichever there is. */
  etag?: string | undefined;
  /** Key under which a repeated POST is done once; made anew for each call if not given. */
  key?: string | undefined;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export class Api {
  readonly #base: URL;
  readonly #tokens: TokenSource;
  readonly #fetch: typeof fetch;

  constructor(base: URL, tokens: TokenSource, fetcher: typeof fetch = fetch.bind(globalThis)) {
    this.#base = base;
    this.#tokens = tokens;
    this.#fetch = fetcher;
  }

  async get<Value>(path: string, options: Options = {}): Promise<Value> {
    return (await (await this.send("GET", path, undefined, options)).json()) as Value;
  }

  async getTagged<Value>(path: string, options: Options = {}): Promise<Tagged<Value>> {
    return tagged<Value>(await this.send("GET", path, undefined, options));
  }

  async post<Value>(path: string, body: unknown = {}, options: Options = {}): Promise<Value> {
    return value<Value>(await this.send("POST", path, body, options));
  }

  async put<Value>(path: string, body: unknown, options: Options): Promise<Tagged<Value>> {
    return tagged<Value>(await this.send("PUT", path, body, options));
  }

  async patch<Value>(path: string, body: unknown, options: Options): Promise<Tagged<Value>> {
    return tagged<Value>(await this.send("PATCH", path, body, options));
  }

  async delete(path: string, options: Options = {}): Promise<void> {
    await this.send("DELETE", path, undefined, options);
  }

  /** Sends a request and gives an answer of success; anything else is thrown. */
  async send(method: Method, path: string, body: unknown, options: Options, accept = "application/json"): Promise<Response> {
    const headers = new Headers({ accept });
    if (body !== undefined) headers.set("content-type", "application/json");
    if (method === "POST") headers.set("idempotency-key", options.key ?? crypto.randomUUID());
    if (options.etag !== undefined) headers.set("if-match", options.etag);
    const request: RequestInit = {
      method,
      headers,
      credentials: "omit",
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    const address = this.#address(path, options.query);
    const token = await this.#tokens.token();
    let response = await this.#once(address, request, headers, token);
    if (response.status === 401) {
      const fresh = await this.#tokens.fresh(token);
      response = await this.#once(address, request, headers, fresh);
    }
    if (!response.ok) throw await problemOf(response);
    return response;
  }

  async #once(address: URL, request: RequestInit, headers: Headers, token: string): Promise<Response> {
    headers.set("authorization", `Bearer ${token}`);
    try {
      return await this.#fetch(address, request);
    } catch (error) {
      if (error instanceof DOMException && error.name === "AbortError") throw error;
      throw new NoAnswer(error);
    }
  }

  #address(path: string, query: Query = {}): URL {
    const address = new URL(path.replace(/^\//, ""), this.#base);
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined && value !== "") address.searchParams.set(name, String(value));
    }
    return address;
  }
}

async function value<Value>(response: Response): Promise<Value> {
  return (response.status === 204 ? undefined : await response.json()) as Value;
}

async function tagged<Value>(response: Response): Promise<Tagged<Value>> {
  return { value: await value<Value>(response), etag: response.headers.get("etag") ?? "*" };
}

/** One part of a path, from a name that may hold anything. */
export const part = encodeURIComponent;
