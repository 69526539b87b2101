// The session token comes from the vendor's own backend, on the vendor's own origin and with the vendor's own cookies;
// the element only carries it into the frame. Its signature is for the server to check: here it is read for two
// things, which vendor it is from and how long it lasts.

/** Why there is no token. `code` is `signed-out` if the endpoint answered 401 or 403, `token` for everything else. */
export class TokenError extends Error {
  constructor(
    readonly code: "signed-out" | "token",
    message: string,
    readonly status: number | null = null,
  ) {
    super(message);
  }
}

/** A token, who issued it, and for how many milliseconds it is good from now on. */
export interface Token {
  text: string;
  vendor: string;
  lifetime: number;
}

/** Asks the vendor's backend for a token: a POST whose answer is `{"token": "…"}`.
 * @throws TokenError if there is no usable one. */
export async function fetchToken(endpoint: string, signal: AbortSignal): Promise<Token> {
  const url = new URL(endpoint, document.baseURI);
  if (url.origin !== location.origin) {
    throw new TokenError("token", `token-endpoint must be of this page's origin, ${location.origin}, not ${url.origin}`);
  }
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      cache: "no-store",
      headers: { accept: "application/json" },
      signal,
    });
  } catch (error) {
    throw new TokenError("token", `${url.pathname} cannot be reached: ${String(error)}`);
  }
  const { status } = response;
  if (!response.ok) {
    throw new TokenError(status === 401 || status === 403 ? "signed-out" : "token", `${url.pathname} answered ${status}`, status);
  }
  const body: unknown = await response.json().catch(() => null);
  const text = (body as { token?: unknown } | null)?.token;
  if (typeof text !== "string") {
    throw new TokenError("token", `${url.pathname} did not answer {"token": "…"}`, status);
  }
  return readToken(text);
}

/** Reads issuer and lifetime. The lifetime is `exp` − `iat`, counted from now: this machine's clock may be wrong. */
export function readToken(text: string): Token {
  let claims: { iss?: unknown; iat?: unknown; exp?: unknown };
  try {
    const part = (text.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (char) => char.charCodeAt(0))));
  } catch {
    throw new TokenError("token", "the token is not a JWT");
  }
  const { iss, iat, exp } = claims;
  if (typeof iss !== "string" || !iss || typeof iat !== "number" || typeof exp !== "number" || exp <= iat) {
    throw new TokenError("token", "the token lacks iss, iat or exp");
  }
  return { text, vendor: iss, lifetime: (exp - iat) * 1000 };
}

/** When to fetch the next token: 60 s before this one ends, or half-way if it is a very short one. Milliseconds. */
export function renewAfter(lifetime: number): number {
  return Math.max(lifetime - 60_000, lifetime / 2);
}
