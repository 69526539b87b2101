/** A part of a form that can be left as it is: closed it says how it stands, open it can be changed. */

import { type ReactNode, useState } from "react";

import { Icon } from "../ui";
import "./forms.css";

export function Disclosure({ title, summary, children, open = false }: { title: string; summary: ReactNode; children: ReactNode; open?: boolean }) {
  const [isOpen, setOpen] = useState(open);
  // What was opened by a mistake in it stays open.
  const shown = isOpen || open;
  return (
    <details className="disclosure" open={shown} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <Icon name="chevron-right" size={14} className="disclosure-mark" />
        <span className="disclosure-title">{title}</span>
        <span className="disclosure-summary">{summary}</span>
      </summary>
      {shown && <div className="disclosure-body">{children}</div>}
    </details>
  );
}
