/** What an owner does to an automation from a list or from its own screen: run, deactivate, re-activate. */

import { useState } from "react";

import { useAutomationAction } from "../../api/hooks";
import type { Automation } from "../../api/types";
import { useLanguage } from "../../i18n";
import { Button, Confirm } from "../../ui";
import { Tooltip } from "../../ui/Tooltip";

export type Asked = "deactivate" | "reactivate";

/** The question before an automation is stopped or started again. */
export function LifecycleConfirm({ automation, asked, onClose }: { automation: Automation; asked: Asked | null; onClose: () => void }) {
  const { t, text } = useLanguage();
  const action = useAutomationAction(automation.id);
  const stopping = asked === "deactivate";
  return (
    <Confirm
      isOpen={asked !== null}
      onClose={onClose}
      title={t(stopping ? "deactivate.title" : "reactivate.title")}
      action={t(stopping ? "do.deactivate" : "do.reactivate")}
      danger={stopping}
      onConfirm={() => action.mutateAsync({ action: stopping ? "deactivate" : "reactivate" })}
    >
      <p>
        <strong className="ink">{text(automation.title)}</strong> · {automation.source.name} → {automation.target.name}
      </p>
      <p>{t(stopping ? "deactivate.text" : "reactivate.text")}</p>
      {stopping && automation.records === "people" && <p>{t("deactivate.people", { target: text(automation.target.title) })}</p>}
    </Confirm>
  );
}

/** The deeds in a row of the list. */
export function RowDeeds({ automation, onProblem }: { automation: Automation; onProblem: (error: unknown) => void }) {
  const { t } = useLanguage();
  const [asked, setAsked] = useState<Asked | null>(null);
  const action = useAutomationAction(automation.id);
  const off = automation.state === "deactivated";
  return (
    <div className="row-deeds flow-deeds">
      {off ? (
        <Tooltip text={t("do.reactivate")}>
          <Button size="sm" look="quiet" icon="power" onPress={() => setAsked("reactivate")}>
            {t("do.reactivate")}
          </Button>
        </Tooltip>
      ) : (
        <>
          <Tooltip text={t("do.run")}>
            <Button
              size="sm"
              look="quiet"
              icon="play"
              isPending={action.isPending}
              isDisabled={automation.running || automation.state === "paused"}
              onPress={() => action.mutate({ action: "run" }, { onError: onProblem })}
            >
              {t("do.run")}
            </Button>
          </Tooltip>
          <Tooltip text={t("do.deactivate")}>
            <Button size="sm" look="quiet" icon="power" onPress={() => setAsked("deactivate")}>
              {t("do.deactivate")}
            </Button>
          </Tooltip>
        </>
      )}
      <LifecycleConfirm automation={automation} asked={asked} onClose={() => setAsked(null)} />
    </div>
  );
}
