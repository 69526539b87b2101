/** Parts of a screen that have an address each. */

import type { ReactNode } from "react";

import { Link } from "../router/router";
import "./small.css";

export interface Tab {
  id: string;
  to: string;
  title: string;
  /** A number beside the title. */
  badge?: ReactNode;
}

export function NavTabs({ label, tabs, current }: { label: string; tabs: readonly Tab[]; current: string }) {
  return (
    <nav className="tabs" aria-label={label}>
      <ul>
        {tabs.map((tab) => (
          <li key={tab.id}>
            <Link to={tab.to} className="tab" aria-current={tab.id === current ? "page" : undefined}>
              {tab.title}
              {tab.badge !== undefined && <span className="tab-badge">{tab.badge}</span>}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Choices of which one is in force, such as a filter: small buttons in a row. */
export function Segments<Value extends string>({
  label,
  value,
  onChange,
  choices,
}: {
  label: string;
  value: Value;
  onChange: (value: Value) => void;
  choices: readonly { value: Value; label: string; count?: string }[];
}) {
  return (
    <div className="segments" role="group" aria-label={label}>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          className="segment"
          aria-pressed={choice.value === value}
          onClick={() => onChange(choice.value)}
        >
          <span className="begins">{choice.label}</span>
          {choice.count !== undefined && <span className="segment-count">{choice.count}</span>}
        </button>
      ))}
    </div>
  );
}
