/** Start Automation: from a flow to an automation that runs. */

import { useFlow } from "../../api/hooks";
import { useLanguage } from "../../i18n";
import { paths, ScreenTitle } from "../../router/router";
import { useIsOwner, useSession } from "../../session/context";
import { Empty, ErrorState, LinkButton, Loading, Skeleton } from "../../ui";
import { Wizard } from "./Wizard";

export default function Start({ flow: name }: { flow?: string }) {
  const { t, text } = useLanguage();
  const { not_bought } = useSession();
  const owner = useIsOwner();
  const flow = useFlow(name ?? "");
  if (!owner) return <Refused title={t("start.viewer")}>{t("viewer.note")}</Refused>;
  if (flow.data !== undefined && !flow.data.available) return <Refused title={t("start.not-bought")}>{text(not_bought)}</Refused>;
  if (flow.data !== undefined) return <Wizard flow={flow.data} />;
  if (flow.isError) return <ErrorState error={flow.error} onRetry={() => void flow.refetch()} />;
  return (
    <Loading>
      <Skeleton lines={[40]} height={28} />
      <div className="section">
        <Skeleton lines={[100, 60, 60, 60]} height={36} />
      </div>
    </Loading>
  );
}

function Refused({ title, children }: { title: string; children: string }) {
  const { t } = useLanguage();
  return (
    <Empty icon="lock" title={<ScreenTitle title={title} />} action={<LinkButton to={paths.catalogue()}>{t("start.done.catalogue")}</LinkButton>}>
      {children}
    </Empty>
  );
}
