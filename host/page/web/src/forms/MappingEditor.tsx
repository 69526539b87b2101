/**
 * What is written to the target, and out of what: a table of the flow's attributes, with the value that each has for
 * a person of the source. Open ones can be given another expression, or left out.
 */

import { useState } from "react";

import { useConnectors } from "../api/hooks";
import type { Connector, Flow, FlowWrite, NamedTitle, ProblemError, Sample, Settings } from "../api/types";
import { useLanguage } from "../i18n";
import { Button, Icon, Select, Skeleton, Table } from "../ui";
import { ExpressionDialog } from "./ExpressionDialog";
import { expressionOf, MAP, overridesOf, shown, streamOf, withOverride } from "./mapping";
import { useExpression, useSamples } from "./queries";
import { errorAt, escaped } from "./schema";
import "./forms.css";

export interface MappingEditorProps {
  flow: Flow;
  settings: Settings;
  onChange: (settings: Settings) => void;
  /** Credentials of the source: an example is read with them. */
  source: string | null;
  errors?: readonly ProblemError[];
  disabled?: boolean;
}

/** Whether there is anything for an owner to map. */
export const isOpen = (flow: Flow) => flow.writes.some((write) => write.open);

export function useMappingSummary(flow: Flow, settings: Settings): string {
  const { t } = useLanguage();
  const attributes = t("mapping.summary", { n: flow.writes.length });
  const n = Object.keys(overridesOf(settings)).length;
  return n === 0 ? attributes : t("mapping.summary.changed", { attributes, n });
}

/** How somebody is called: by name if there is one. */
function nameOf({ key, record }: Sample): string {
  const name = [record["first_name"], record["last_name"]].filter((part) => typeof part === "string" && part !== "").join(" ");
  return name !== "" ? name : key;
}

export function MappingEditor({ flow, settings, onChange, source, errors = [], disabled = false }: MappingEditorProps) {
  const { t, text } = useLanguage();
  const samples = useSamples(source, streamOf(flow));
  const connectors = useConnectors();
  const [chosen, setChosen] = useState<string | null>(null);
  const [edited, setEdited] = useState<FlowWrite | null>(null);
  const sample = samples.data?.find((one) => one.key === chosen) ?? samples.data?.[0];
  const who = sample === undefined ? "" : nameOf(sample);
  const overrides = overridesOf(settings);
  const [from, to] = [text(flow.source.title), text(flow.target.title)];
  return (
    <div className="mapping">
      {source !== null && (
        <div className="mapping-head">
          {samples.isPending ? (
            <Skeleton lines={[100]} />
          ) : samples.data === undefined || samples.data.length === 0 ? (
            <span>{t(samples.isError ? "mapping.example.failed" : "mapping.example.none", { system: from })}</span>
          ) : (
            <>
              <span aria-hidden="true">{t("mapping.example")}</span>
              <Select
                label={t("mapping.example")}
                hideLabel
                required
                size="sm"
                value={sample?.key ?? ""}
                onChange={setChosen}
                choices={samples.data.map((one) => ({ value: one.key, label: nameOf(one) }))}
              />
            </>
          )}
        </div>
      )}
      <Table
        label={t("start.mapping")}
        rows={flow.writes}
        keyOf={(write) => write.name}
        columns={[
          {
            id: "field",
            title: t("mapping.field", { system: to }),
            card: "heading",
            cell: (write) => (
              <span className="mapping-name">
                {text(write.title)}
                {overrides[write.name] !== undefined && <span className="tag">{t("mapping.changed")}</span>}
              </span>
            ),
          },
          {
            id: "expression",
            title: t("mapping.expression", { system: from }),
            cell: (write) => <Expression expression={expressionOf(write, overrides)} error={errorAt(errors, `/settings/${MAP}/${escaped(write.name)}`)?.message} />,
          },
          {
            id: "value",
            title: t("mapping.value"),
            cell: (write) => <Value flow={flow} write={write} settings={settings} record={sample?.record} />,
          },
          {
            id: "edit",
            title: t("action.edit"),
            hideTitle: true,
            align: "end",
            card: "side",
            cell: (write) =>
              write.open &&
              !disabled && (
                <Button size="sm" look="quiet" aria-label={t("mapping.edit", { field: text(write.title) })} onPress={() => setEdited(write)}>
                  {t("action.edit")}
                </Button>
              ),
          },
        ]}
      />
      {edited !== null && (
        <ExpressionDialog
          flow={flow}
          write={edited}
          settings={settings}
          attributes={attributesOf(flow, connectors.data ?? [])}
          example={sample === undefined ? null : { who, record: sample.record }}
          onClose={() => setEdited(null)}
          onApply={(expression) => {
            onChange(withOverride(settings, edited, expression));
            setEdited(null);
          }}
        />
      )}
    </div>
  );
}

/** All attributes of the stream that the flow reads. */
function attributesOf(flow: Flow, connectors: readonly Connector[]): readonly NamedTitle[] {
  const streams = connectors.find((connector) => connector.id === flow.source.connector)?.streams ?? [];
  return streams.find((stream) => stream.name === streamOf(flow))?.attributes ?? flow.reads;
}

function Expression({ expression, error }: { expression: string | null; error: string | undefined }) {
  const { t } = useLanguage();
  if (expression === null) return <span className="mapping-off">{t("mapping.off")}</span>;
  return (
    <span>
      <code>{expression}</code>
      {error !== undefined && <span className="field-error">{error}</span>}
    </span>
  );
}

function Value({ flow, write, settings, record }: { flow: Flow; write: FlowWrite; settings: Settings; record: Record<string, unknown> | undefined }) {
  const { t } = useLanguage();
  const expression = expressionOf(write, overridesOf(settings));
  // The server evaluates only what an owner may change.
  const enabled = record !== undefined && expression !== null && write.open;
  const check = useExpression({ flow: flow.name, field: write.name, expression: expression ?? "", record, settings }, enabled);
  if (!enabled) return null;
  if (check.isPending) return <Skeleton lines={[70]} />;
  if (check.data === undefined) return null;
  if (!check.data.ok || check.data.error != null) {
    return (
      <span className="status" data-tone="bad">
        <Icon name="alert-circle" size={14} />
        <span className="visually-hidden">{check.data.error ?? check.data.problems[0]?.message}</span>
      </span>
    );
  }
  const value = shown(check.data.value);
  return value === null ? <span className="mapping-off">{t("mapping.empty")}</span> : <span>{value}</span>;
}
