import type { Credential } from "../../api/types";

/** What tells accounts of one system apart: the first thing that is not secret. */
export function accountOf(credential: Credential): string {
  const first = Object.values(credential.public).find((value): value is string => typeof value === "string" && value !== "") ?? "";
  return first.replace(/^https?:\/\//, "");
}
