/** What attributes of the target are called. */

import type { Flow } from "../api/types";
import { useLanguage } from "../i18n";

/** What comes before the kind of a group. */
const GROUPS = "groups.";

/**
 * By an attribute's name: the flow's title for it. Whether an account is active belongs to every flow of people, and
 * has one here; a group is called as the flow calls its kind, and where only groups are told of, so are they.
 */
export function useAttributeTitles(flow: Flow | undefined): (attribute: string) => string {
  const { t, text } = useLanguage();
  return (attribute) => {
    if (attribute === "groups") return t("attribute.groups");
    if (attribute.startsWith(GROUPS)) {
      const kind = attribute.slice(GROUPS.length);
      return text(flow?.groups.find((group) => group.kind === kind)?.title) || kind;
    }
    const title = text(flow?.writes.find((write) => write.name === attribute)?.title);
    return title !== "" ? title : attribute === "active" ? t("attribute.active") : attribute;
  };
}
