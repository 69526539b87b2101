/**
 * What the first run would do, before anything is changed; and the button that starts it. A flow that has to be tested
 * first calls it the test, and asks once more before it is activated.
 */

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { part } from "../../api/client";
import { keys } from "../../api/hooks";
import { ApiProblem, NoAnswer } from "../../api/problem";
import type { Automation, Flow, Plan } from "../../api/types";
import { useLanguage } from "../../i18n";
import { sentence } from "../../i18n/language";
import { useSurroundings } from "../../session/context";
import { Button, Confirm, Detail, Empty, ErrorState, Notice, Progress, Status } from "../../ui";
import { CountsLine } from "../automation/counts";
import { type Draft, request } from "./draft";
import { KINDS, PlanPeople } from "./PlanPeople";
import { RequirementLine } from "./SettingsStep";
import { Footer, StepTitle } from "./Step";
import "./preview.css";

interface Props {
  flow: Flow;
  draft: Draft;
  onChange: (part: Partial<Draft>) => void;
  onBack: () => void;
  onStarted: (automation: Automation) => void;
}

export function PreviewStep({ flow, draft, onChange, onBack, onStarted }: Props) {
  const { t, error: explain } = useLanguage();
  const { api, tell } = useSurroundings();
  const client = useQueryClient();
  const wanted = request(flow, draft);
  const tested = flow.activation === "tested";
  const [asking, setAsking] = useState(false);
  const of = JSON.stringify(wanted);
  const id = draft.plan?.of === of ? draft.plan.id : null;

  const make = useMutation({
    mutationFn: async () => {
      // Few may be kept at once: what is not looked at any more makes place.
      if (draft.plan !== null) await api.delete(`plans/${part(draft.plan.id)}`).catch(() => undefined);
      return api.post<Plan>("plans", wanted);
    },
    onSuccess: (plan) => {
      client.setQueryData(["plan", plan.id], plan);
      onChange({ plan: { id: plan.id, of } });
    },
  });
  const { mutate } = make;
  useEffect(() => {
    if (id !== null) return;
    const timer = setTimeout(mutate);
    return () => clearTimeout(timer);
  }, [id, mutate]);
  const plan = useQuery({
    queryKey: ["plan", id],
    enabled: id !== null,
    queryFn: ({ signal }) => api.get<Plan>(`plans/${part(id ?? "")}`, { signal }),
    refetchInterval: (query) => (query.state.status !== "error" && query.state.data?.status !== "done" && query.state.data?.status !== "failed" ? 700 : false),
  });
  // If an answer was lost the request is sent again under its key, so that nothing is started twice.
  const unanswered = useRef<string | null>(null);
  const save = useMutation({
    mutationFn: async () => {
      const key = unanswered.current ?? crypto.randomUUID();
      const accept_findings = draft.source.accepted || draft.target.accepted;
      try {
        const seen = tested && id !== null ? { plan: id } : {};
        return await api.post<Automation>("automations", { ...wanted, contacts: draft.contacts, accept_findings, ...seen }, { key });
      } catch (error) {
        unanswered.current = error instanceof NoAnswer ? key : null;
        throw error;
      }
    },
    onSuccess: async (automation) => {
      tell("automation-started", { automation: automation.id, flow: flow.name });
      await Promise.all([keys.flows(), keys.automations(), keys.credentials()].map((queryKey) => client.invalidateQueries({ queryKey })));
      onStarted(automation);
    },
    onError: (error) => {
      if (!(error instanceof ApiProblem) || !error.errors.some((one) => /^\/(settings|schedule|contacts)/.test(one.pointer))) return;
      // What is wrong stands at its field, one step back.
      onChange({ errors: error.errors });
      onBack();
    },
  });

  const data = plan.data;
  const again = () => {
    save.reset();
    make.mutate();
  };
  const gone = plan.error instanceof ApiProblem && plan.error.status === 404;
  const failed = make.error ?? (gone ? null : plan.error);
  const open = data?.requirements.filter((one) => !one.met) ?? [];
  const problem = save.error;
  const ready = data?.status === "done" && open.length === 0;
  const start = (
    <Button look="primary" isPending={save.isPending} isDisabled={!ready} onPress={() => (tested ? setAsking(true) : save.mutate())}>
      {t(save.isPending ? "start.saving" : tested ? "start.activate" : "start.save")}
    </Button>
  );
  return (
    <section className="step">
      <StepTitle title={t(tested ? "start.test" : "start.preview")} action={<span className="step-foot-next">{start}</span>}>
        {t(tested ? "start.test.lead" : "start.preview.lead")}
      </StepTitle>
      {problem !== null && (
        <Notice tone="bad" title={explain(problem).says}>
          {explain(problem).advice} <Detail of={explain(problem)} />
        </Notice>
      )}
      {failed !== null && !make.isPending ? (
        <ErrorState error={failed} onRetry={again} />
      ) : gone && !make.isPending ? (
        <Empty
          icon="clock"
          title={t("start.preview.expired")}
          action={
            <Button icon="refresh" onPress={again}>
              {t("start.preview.again")}
            </Button>
          }
        />
      ) : data === undefined || data.status === "running" ? (
        <Running plan={data} flow={flow} />
      ) : data.status === "failed" ? (
        <Failed plan={data} onAgain={again} />
      ) : (
        <Result plan={data} flow={flow} />
      )}
      {open.length > 0 && (
        <ul className="requirements" data-open="" aria-label={t("start.requirements")}>
          {open.map((one) => (
            <RequirementLine key={one.flow} requirement={one} />
          ))}
        </ul>
      )}
      <Footer
        back={
          <Button look="quiet" icon="arrow-left" onPress={onBack} isDisabled={save.isPending}>
            {t("start.back")}
          </Button>
        }
      >
        {data?.status === "done" && (
          <Button look="quiet" icon="refresh" onPress={again} isDisabled={save.isPending}>
            {t(tested ? "start.test.again" : "start.preview.again")}
          </Button>
        )}
      </Footer>
      {data?.status === "done" && <Activate flow={flow} plan={data} isOpen={asking} onClose={() => setAsking(false)} onConfirm={() => save.mutateAsync()} />}
    </section>
  );
}

/** The last question: what the first run, which follows at once, is about to do. */
function Activate({ flow, plan, isOpen, onClose, onConfirm }: { flow: Flow; plan: Plan; isOpen: boolean; onClose: () => void; onConfirm: () => Promise<unknown> }) {
  const { t, text } = useLanguage();
  const target = text(flow.target.title);
  return (
    <Confirm isOpen={isOpen} onClose={onClose} title={t("start.activate.title", { flow: text(flow.title) })} action={t("start.activate")} onConfirm={onConfirm}>
      <p>{t("start.activate.text", { system: target })}</p>
      <CountsLine counts={plan.counts} records={flow.records} />
    </Confirm>
  );
}

function Running({ plan, flow }: { plan: Plan | undefined; flow: Flow }) {
  const { t, text } = useLanguage();
  const system = text(flow.source.title);
  const read = plan?.read ?? 0;
  const total = plan?.total ?? null;
  return (
    <div className="plan-running" role="status">
      <div className="plan-running-text">
        <strong>{t("start.preview.running", { system })}</strong>
        <span className="muted small" aria-hidden="true">
          {read > 0 && (total === null ? t("start.preview.read.some", { read }) : t("start.preview.read", { read, total }))}
        </span>
      </div>
      <Progress label={t("start.preview.running", { system })} value={read} total={total} />
      {plan !== undefined && <Tiles plan={plan} flow={flow} />}
    </div>
  );
}

function Failed({ plan, onAgain }: { plan: Plan; onAgain: () => void }) {
  const { t, failure: explain } = useLanguage();
  const why = plan.failure === null ? null : explain(plan.failure);
  return (
    <Notice
      tone="bad"
      title={t("start.preview.failed")}
      actions={
        <Button size="sm" icon="refresh" onPress={onAgain}>
          {t("start.preview.again")}
        </Button>
      }
    >
      {why !== null && (
        <>
          <p>{why.says}</p>
          <Detail of={why} />
        </>
      )}
    </Notice>
  );
}

/** How many of which kind, while it is read. */
function Tiles({ plan, flow }: { plan: Plan; flow: Flow }) {
  const { kind: word, formats } = useLanguage();
  return (
    <dl className="tiles">
      {KINDS.filter((kind) => plan.counts[kind] > 0).map((kind) => (
        <div key={kind} className="tile">
          <dt>{word(flow.records, kind)}</dt>
          <dd>{formats.number.format(plan.counts[kind])}</dd>
        </div>
      ))}
    </dl>
  );
}

function Result({ plan, flow }: { plan: Plan; flow: Flow }) {
  const { t, text } = useLanguage();
  const changed = KINDS.filter((kind) => kind !== "unchanged").some((kind) => plan.counts[kind] > 0);
  return (
    <div className="stack">
      {plan.guard !== null && (
        <Notice tone="warn" icon="shield" title={t("start.preview.guard")}>
          <p>{sentence(text(plan.guard))}</p>
          <p>{t("start.preview.guard.text")}</p>
        </Notice>
      )}
      {plan.guard === null && flow.guard !== null && flow.records === "people" && changed && (
        <Status tone="good" icon="shield">
          {t("start.preview.calm")}
        </Status>
      )}
      {plan.notes.length > 0 && (
        <Notice title={t("start.notes")}>
          <ul>
            {plan.notes.map(text).map((note) => (
              <li key={note}>{sentence(note)}</li>
            ))}
          </ul>
        </Notice>
      )}
      {changed ? (
        <PlanPeople plan={plan} flow={flow} />
      ) : (
        <Empty icon="check-circle" title={t("start.preview.nothing")}>
          {t("start.preview.nothing.text")}
        </Empty>
      )}
    </div>
  );
}
