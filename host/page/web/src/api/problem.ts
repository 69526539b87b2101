import type { Problem, ProblemError } from "./types";

/** The API's answer to a request that it does not do. */
export class ApiProblem extends Error {
  readonly status: number;
  /** Stable: what the page decides and words by. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** What is wrong, by JSON pointer into the request's body. */
  readonly errors: readonly ProblemError[];
  readonly help: Readonly<Record<string, unknown>>;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ApiProblem";
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.errors = problem.errors ?? [];
    this.help = problem.help ?? {};
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get passes(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** No answer came: no network, or the server is not there. */
export class NoAnswer extends Error {
  constructor(cause: unknown) {
    super("no answer", { cause });
    this.name = "NoAnswer";
  }
}

function isProblem(value: unknown): value is Problem {
  return (
    typeof value === "object" && value !== null && "code" in value && "detail" in value && typeof value.code === "string"
  );
}

/** Reads an answer that is no success; a proxy's own page becomes a problem too. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    body = undefined;
  }
  if (isProblem(body)) return new ApiProblem({ ...body, status: response.status });
  return new ApiProblem({
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    code: response.status >= 500 ? "unavailable" : `http-${response.status}`,
    detail: `The server answered with status ${response.status}.`,
  });
}
