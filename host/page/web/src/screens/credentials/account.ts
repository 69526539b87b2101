import type { Credential } from "../../api/types";

const SCHEME = /^https?:\/\//;

/** What tells accounts of one system apart: an address if there is one, else the first thing that is not secret. */
export function accountOf(credential: Credential): string {
  const open = Object.values(credential.public).filter((value): value is string => typeof value === "string" && value !== "");
  return (open.find((value) => SCHEME.test(value)) ?? open[0] ?? "").replace(SCHEME, "");
}
