/** What attributes of the target are called. */

import type { Flow } from "../api/types";
import { useLanguage } from "../i18n";

/** By an attribute's name: the flow's title for it. Whether an account is active belongs to every flow of people, and has one here. */
export function useAttributeTitles(flow: Flow | undefined): (attribute: string) => string {
  const { t, text } = useLanguage();
  return (attribute) => {
    const title = text(flow?.writes.find((write) => write.name === attribute)?.title);
    return title !== "" ? title : attribute === "active" ? t("attribute.active") : attribute;
  };
}
