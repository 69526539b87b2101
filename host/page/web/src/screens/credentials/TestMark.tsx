import type { Credential } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Status } from "../../ui";

/** How the last test went. */
export function TestMark({ tested }: { tested: Credential["tested"] }) {
  const { t } = useLanguage();
  switch (tested) {
    case "ok":
      return (
        <Status tone="good" icon="check-circle">
          {t("credentials.ok")}
        </Status>
      );
    case "findings":
      return (
        <Status tone="warn" icon="alert-triangle">
          {t("credentials.findings")}
        </Status>
      );
    case "failed":
      return (
        <Status tone="bad" icon="x-circle">
          {t("credentials.failed")}
        </Status>
      );
    default:
      return (
        <Status tone="off" icon="circle">
          {t("credentials.untested")}
        </Status>
      );
  }
}
