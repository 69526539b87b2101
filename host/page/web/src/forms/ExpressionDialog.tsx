/** One attribute's expression: as in the flow, another one, or none. Checked by the server while it is typed. */

import { useEffect, useRef, useState } from "react";

import type { ExpressionCheck, Flow, FlowWrite, NamedTitle, Settings } from "../api/types";
import { useLanguage } from "../i18n";
import { Button, Dialog, Icon, RadioGroup, Select, Status, TextArea } from "../ui";
import { overridesOf, recordName, shown } from "./mapping";
import { useExpression, useSettled } from "./queries";
import "./forms.css";

interface Props {
  flow: Flow;
  write: FlowWrite;
  settings: Settings;
  attributes: readonly NamedTitle[];
  example: { who: string; record: Record<string, unknown> } | null;
  onClose: () => void;
  /** Undefined: as in the flow; null: not written. */
  onApply: (expression: string | null | undefined) => void;
}

type Way = "own" | "expressed" | "none";

export function ExpressionDialog({ flow, write, settings, attributes, example, onClose, onApply }: Props) {
  const { t, text } = useLanguage();
  const override = overridesOf(settings)[write.name];
  const [way, setWay] = useState<Way>(override === undefined ? "own" : override === null ? "none" : "expressed");
  const [expression, setExpression] = useState(typeof override === "string" ? override : write.expression);
  const place = useRef<HTMLDivElement>(null);
  const caret = useRef<number | null>(null);
  const settled = useSettled(expression);
  const check = useExpression({ flow: flow.name, field: write.name, expression: settled, record: example?.record, settings }, way === "expressed");
  const fresh = settled === expression && !check.isPlaceholderData && !check.isFetching;
  const fits = way !== "expressed" || (fresh && check.data?.ok === true);

  useEffect(() => {
    const area = place.current?.querySelector("textarea");
    if (area == null || caret.current === null) return;
    area.focus();
    area.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  }, [expression]);

  const insert = (attribute: string) => {
    const area = place.current?.querySelector("textarea");
    const word = `${recordName(flow)}.${attribute}`;
    const [from, to] = area == null ? [expression.length, expression.length] : [area.selectionStart, area.selectionEnd];
    caret.current = from + word.length;
    setExpression(expression.slice(0, from) + word + expression.slice(to));
  };

  return (
    <Dialog
      isOpen
      onClose={onClose}
      size="md"
      title={t("mapping.title", { field: text(write.title) })}
      actions={
        <>
          <Button onPress={onClose}>{t("action.cancel")}</Button>
          <Button look="primary" isDisabled={!fits} onPress={() => onApply(way === "own" ? undefined : way === "none" ? null : expression.trim())}>
            {t("mapping.apply")}
          </Button>
        </>
      }
    >
      <RadioGroup<Way>
        label={t("mapping.title", { field: text(write.title) })}
        hideLabel
        boxed
        value={way}
        onChange={setWay}
        choices={[
          {
            value: "own",
            label: t("mapping.own"),
            hint: (
              <>
                <code className="mapping-code">{write.expression}</code>
                <br />
                {t("mapping.own.text")}
              </>
            ),
          },
          { value: "expressed", label: t("mapping.expressed") },
          ...(write.required ? [] : [{ value: "none" as const, label: t("mapping.none"), hint: t("mapping.none.text", { system: text(flow.target.title) }) }]),
        ]}
      />
      {way === "expressed" && (
        <div className="expression" ref={place}>
          <TextArea label={t("mapping.cel")} required code rows={2} value={expression} onChange={setExpression} />
          <div className="expression-tools">
            <Select
              label={t("mapping.attributes")}
              hideLabel
              required
              size="sm"
              value=""
              onChange={insert}
              placeholder={t("mapping.attributes")}
              choices={attributes.map((attribute) => ({ value: attribute.name, label: `${text(attribute.title)} (${attribute.name})` }))}
            />
          </div>
          <div className="expression-says" role="status">
            <Verdict check={check.data} fresh={fresh} failed={check.isError} expression={settled} who={example?.who ?? null} />
          </div>
        </div>
      )}
    </Dialog>
  );
}

function Verdict({ check, fresh, failed, expression, who }: { check: ExpressionCheck | undefined; fresh: boolean; failed: boolean; expression: string; who: string | null }) {
  const { t } = useLanguage();
  if (failed) return <span className="field-error">{t("mapping.unchecked")}</span>;
  if (!fresh || check === undefined) {
    return (
      <Status tone="off" icon="spinner">
        {t("mapping.checking")}
      </Status>
    );
  }
  if (!check.ok) return check.problems.map((problem, index) => <Problem key={index} problem={problem} expression={expression} />);
  if (check.error != null && who !== null) {
    return (
      <span className="field-error">
        <Icon name="alert-circle" size={14} />
        {t("mapping.fails", { who, error: check.error })}
      </span>
    );
  }
  const value = shown(check.value);
  return (
    <>
      <Status tone="good" icon="check-circle">
        {t("mapping.fine")}
      </Status>
      {who !== null && (
        <div className="expression-result">
          <span>{t("mapping.result", { who })}</span>
          {value === null ? <span className="mapping-off">{t("mapping.empty")}</span> : <strong>{value}</strong>}
        </div>
      )}
    </>
  );
}

/** The line that the problem is in, with a mark under its column. */
function Problem({ problem, expression }: { problem: ExpressionCheck["problems"][number]; expression: string }) {
  const { t } = useLanguage();
  const line = expression.split("\n")[problem.line - 1] ?? "";
  const { message, hint } = problem;
  return (
    <div className="expression-problem">
      <span>{t("mapping.at", { line: problem.line, column: problem.column, message: hint == null || hint === "" ? message : `${message} (${hint})` })}</span>
      {line !== "" && (
        <pre aria-hidden="true">
          {line}
          {"\n"}
          {" ".repeat(Math.max(0, Math.min(problem.column - 1, line.length)))}
          <b>▲</b>
        </pre>
      )}
    </div>
  );
}
