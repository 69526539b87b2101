/** Lock-outs that the guard holds back: who, and the decision about all of them. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { part } from "../../api/client";
import { keys, useStaged } from "../../api/hooks";
import type { Automation, StagedRecord } from "../../api/types";
import { useLanguage } from "../../i18n";
import { useApi, useIsOwner } from "../../session/context";
import { Button, type Column, Confirm } from "../../ui";
import { DecideList } from "./Decide";

type Decision = "approve" | "discard";

export function Staged({ automation }: { automation: Automation }) {
  const { t, text, outcome } = useLanguage();
  const owner = useIsOwner();
  const api = useApi();
  const client = useQueryClient();
  const [asked, setAsked] = useState<Decision | null>(null);
  const waiting = useStaged(automation.id);
  const decide = useMutation({
    mutationFn: (decision: Decision) => api.post<{ decided: number }>(`automations/${part(automation.id)}/staged`, { decision, expected: automation.staged }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.automations() }),
  });
  const source = text(automation.source.title);
  const target = text(automation.target.title);
  const columns: Column<StagedRecord>[] = [
    { id: "key", title: t("staged.key", { source }), card: "heading", cell: (one) => <span className="mono">{one.key}</span> },
    { id: "target", title: t("staged.target", { target }), cell: (one) => <span className="mono">{one.target ?? "–"}</span> },
    { id: "reason", title: t("staged.reason"), cell: (one) => (one.reason === null ? "–" : outcome(one.reason, null).says) },
  ];
  const n = automation.staged;
  return (
    <section className="section-first decide">
      <div className="section-head">
        <div className="decide-text">
          <h2>{t("staged.title")}</h2>
          <p className="muted small">{t("staged.text", { target })}</p>
        </div>
        {owner && (
          <div className="screen-actions">
            <Button onPress={() => setAsked("discard")}>{t("staged.discard")}</Button>
            <Button look="primary" icon="check" onPress={() => setAsked("approve")}>
              {t("staged.approve")}
            </Button>
          </div>
        )}
      </div>
      <DecideList label={t("staged.title")} columns={columns} query={waiting} />
      <Confirm
        isOpen={asked !== null}
        onClose={() => setAsked(null)}
        title={t(asked === "discard" ? "staged.discard.title" : "staged.approve.title", { n })}
        action={t(asked === "discard" ? "staged.discard" : "staged.approve")}
        danger={asked === "approve"}
        onConfirm={() => decide.mutateAsync(asked === "discard" ? "discard" : "approve")}
      >
        <p>{t(asked === "discard" ? "staged.discard.text" : "staged.approve.text", { target, source })}</p>
      </Confirm>
    </section>
  );
}
