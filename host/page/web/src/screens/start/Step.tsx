/** What every step has: its heading and its end. */

import { type ReactNode, useEffect, useRef } from "react";

import { pathOf, queryOf } from "../../router/router";

/** A step's heading takes the focus when the step is gone to. */
export function StepTitle({ title, action, children }: { title: string; action?: ReactNode; children?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Not on arrival: then the screen's own heading has it, or nothing.
    if (queryOf(pathOf(location.hash)).has("step")) heading.current?.focus();
  }, []);
  return (
    <div className="step-head">
      <div>
        <h2 ref={heading} tabIndex={-1}>
          {title}
        </h2>
        {children !== undefined && <p>{children}</p>}
      </div>
      {action}
    </div>
  );
}

/** The end of a step: back at the left, the next useful action at the right. */
export function Footer({ back, children }: { back?: ReactNode; children: ReactNode }) {
  return (
    <footer className="step-foot">
      <span>{back}</span>
      <span className="step-foot-next">{children}</span>
    </footer>
  );
}
