/** Documents of which nobody knows whether they arrived: an owner looks and says so. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { part } from "../../api/client";
import { keys, useDocuments } from "../../api/hooks";
import type { Automation, OpenDocument } from "../../api/types";
import { Moment, useLanguage } from "../../i18n";
import { useApi, useIsOwner } from "../../session/context";
import { Button, type Column, Confirm } from "../../ui";
import { DecideList } from "./Decide";

type Decision = "arrived" | "send-again";
interface Asked {
  decision: Decision;
  /** Which; all that are open if none are named. */
  keys: string[] | null;
}

export function Documents({ automation }: { automation: Automation }) {
  const { t, text, formats } = useLanguage();
  const owner = useIsOwner();
  const api = useApi();
  const client = useQueryClient();
  const [asked, setAsked] = useState<Asked | null>(null);
  const waiting = useDocuments(automation.id);
  const decide = useMutation({
    mutationFn: ({ decision, keys: which }: Asked) =>
      api.post<{ decided: number }>(`automations/${part(automation.id)}/documents`, { decision, ...(which === null ? {} : { keys: which }) }),
    onSettled: () => client.invalidateQueries({ queryKey: keys.automations() }),
  });
  const target = text(automation.target.title);
  const columns: Column<OpenDocument>[] = [
    { id: "key", title: t("documents.key"), card: "heading", cell: (one) => <span className="mono">{one.key}</span> },
    { id: "owner", title: t("documents.owner", { target }), cell: (one) => <span className="mono">{one.owner ?? "–"}</span> },
    { id: "size", title: t("documents.size"), align: "end", cell: (one) => (one.size === null ? "–" : formats.bytes(one.size)) },
    { id: "sent", title: t("documents.sent"), cell: (one) => (one.sent_at === null ? "–" : <Moment at={one.sent_at} />) },
  ];
  if (owner) {
    columns.push({
      id: "actions",
      title: t("column.actions"),
      hideTitle: true,
      align: "end",
      cell: (one) =>
        one.state === "doubtful" && (
          <div className="row-deeds">
            <Button size="sm" onPress={() => setAsked({ decision: "send-again", keys: [one.key] })}>
              {t("documents.again")}
            </Button>
            <Button size="sm" icon="check" onPress={() => setAsked({ decision: "arrived", keys: [one.key] })}>
              {t("documents.arrived")}
            </Button>
          </div>
        ),
    });
  }
  const n = asked?.keys?.length ?? automation.doubtful;
  const again = asked?.decision === "send-again";
  return (
    <section className="section-first decide">
      <div className="section-head">
        <div className="decide-text">
          <h2>{t("documents.title")}</h2>
          <p className="muted small">{t("documents.text", { target })}</p>
        </div>
        {owner && automation.doubtful > 1 && (
          <div className="screen-actions">
            <Button onPress={() => setAsked({ decision: "send-again", keys: null })}>{t("documents.all.again")}</Button>
            <Button look="primary" icon="check" onPress={() => setAsked({ decision: "arrived", keys: null })}>
              {t("documents.all.arrived")}
            </Button>
          </div>
        )}
      </div>
      <DecideList label={t("documents.title")} columns={columns} query={waiting} />
      <Confirm
        isOpen={asked !== null}
        onClose={() => setAsked(null)}
        title={t(again ? "documents.again.title" : "documents.arrived.title", { n })}
        action={t(again ? "documents.again" : "documents.arrived")}
        danger={again}
        onConfirm={async () => asked !== null && (await decide.mutateAsync(asked))}
      >
        <p>{t(again ? "documents.again.text" : "documents.arrived.text")}</p>
      </Confirm>
    </section>
  );
}
