/** Icons, drawn on a grid of 16 with lines of 1.5. They stand beside words and say nothing of their own. */

import type { ReactNode } from "react";

const drawings = {
  check: <path d="m3.5 8.5 3 3 6-7" />,
  "check-circle": (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.4 8.2 1.8 1.9 3.5-4" />
    </>
  ),
  "alert-circle": (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 4.9v3.6M8 11v.1" />
    </>
  ),
  "x-circle": (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="m5.9 5.9 4.2 4.2m0-4.2-4.2 4.2" />
    </>
  ),
  "alert-triangle": (
    <>
      <path d="M7.1 2.6 1.7 12a1 1 0 0 0 .9 1.5h10.8a1 1 0 0 0 .9-1.5L8.9 2.6a1 1 0 0 0-1.8 0Z" />
      <path d="M8 6.2v3M8 11.3v.1" />
    </>
  ),
  "pause-circle": (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M6.4 5.8v4.4M9.6 5.8v4.4" />
    </>
  ),
  "minus-circle": (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M5.3 8h5.4" />
    </>
  ),
  circle: <circle cx="8" cy="8" r="6.25" />,
  clock: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 4.6V8l2.3 1.4" />
    </>
  ),
  spinner: <path d="M8 1.75A6.25 6.25 0 1 1 1.75 8" />,
  play: <path d="M4.75 3.1v9.8L12.6 8 4.75 3.1Z" />,
  power: (
    <>
      <path d="M8 1.9v5.6" />
      <path d="M4.6 4a5.4 5.4 0 1 0 6.8 0" />
    </>
  ),
  refresh: (
    <>
      <path d="M13.4 6.6A5.6 5.6 0 0 0 3.2 5.2L2 6.6" />
      <path d="M2 3.2v3.4h3.4M2.6 9.4a5.6 5.6 0 0 0 10.2 1.4L14 9.4" />
      <path d="M14 12.8V9.4h-3.4" />
    </>
  ),
  "arrow-right": <path d="M2.75 8h10.5M9 3.75 13.25 8 9 12.25" />,
  "arrow-left": <path d="M13.25 8H2.75M7 3.75 2.75 8 7 12.25" />,
  "chevron-down": <path d="m4 6 4 4 4-4" />,
  "chevron-right": <path d="m6 4 4 4-4 4" />,
  "chevron-left": <path d="M10 4 6 8l4 4" />,
  x: <path d="m3.75 3.75 8.5 8.5m0-8.5-8.5 8.5" />,
  plus: <path d="M8 2.75v10.5M2.75 8h10.5" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.75" />
      <path d="m10.5 10.5 3.25 3.25" />
    </>
  ),
  download: <path d="M8 2v8M4.75 6.9 8 10.15l3.25-3.25M2.5 13.5h11" />,
  copy: (
    <>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 3.4v-.1a1 1 0 0 0-1-1H3.3a1 1 0 0 0-1 1v6.2a1 1 0 0 0 1 1h.1" />
    </>
  ),
  eye: (
    <>
      <path d="M1.5 8S3.9 3.5 8 3.5 14.5 8 14.5 8 12.100 12.5 8 12.5 1.500 8 1.500 8Z" />
      <circle cx="8" cy="8" r="2" />
    </>
  ),
  "eye-off": (
    <path d="M6.4 3.7A6 6 0 0 1 8 3.500C12.100 3.500 14.500 8 14.500 8a11 11 0 0 1-1.700 2.200M4.200 4.700A10.500 10.500 0 0 0 1.500 8S3.900 12.500 8 12.500a6 6 0 0 0 3.300-1M2.500 2.500l11 11M6.600 6.600a2 2 0 0 0 2.800 2.800" />
  ),
  calendar: (
    <>
      <rect x="2.25" y="3.25" width="11.5" height="10.5" rx="1.5" />
      <path d="M2.25 6.750h11.500M5.250 1.750v3M10.750 1.750v3" />
    </>
  ),
  bolt: <path d="M8.900 1.750 3 9.250h4.400l-.6 5 5.900-7.500H8.300l.6-5Z" />,
  user: (
    <>
      <circle cx="8" cy="5.250" r="2.750" />
      <path d="M2.750 13.750a5.300 5.300 0 0 1 10.500 0" />
    </>
  ),
  users: (
    <>
      <circle cx="6" cy="5.250" r="2.500" />
      <path d="M1.250 13.250a4.800 4.800 0 0 1 9.500 0M10.500 2.900a2.500 2.500 0 0 1 0 4.700M12.250 9.300a4.800 4.800 0 0 1 2.500 3.950" />
    </>
  ),
  file: (
    <>
      <path d="M9.250 1.750h-5a1 1 0 0 0-1 1v10.500a1 1 0 0 0 1 1h7.500a1 1 0 0 0 1-1v-8l-3.500-3.500Z" />
      <path d="M9.250 1.750v3.500h3.500" />
    </>
  ),
  key: (
    <>
      <circle cx="5" cy="11" r="3.250" />
      <path d="m7.400 8.600 6.100-6.100M10.750 5.250l2 2" />
    </>
  ),
  lock: (
    <>
      <rect x="3" y="7" width="10" height="6.75" rx="1.5" />
      <path d="M5.25 7V5a2.75 2.75 0 0 1 5.5 0v2" />
    </>
  ),
  plug: <path d="M5.500 1.750v3M10.500 1.750v3M3.750 4.750h8.500v2.500a4.250 4.250 0 0 1-8.500 0v-2.500ZM8 11.500v2.750" />,
  shield: <path d="M8 1.750 2.750 3.600v4.100c0 3.100 2.200 5.500 5.250 6.550 3.050-1.050 5.250-3.450 5.250-6.550V3.600L8 1.750Z" />,
  filter: <path d="M2 4h12M4.500 8h7M6.750 12h2.500" />,
  "cloud-off": (
    <path d="M2 2l12 12M5.100 5.200A4 4 0 0 0 4.500 7a3 3 0 0 0 0 6h7.300M7.300 4.200a4 4 0 0 1 4.200 3 3 3 0 0 1 2.600 4" />
  ),
  more: <path d="M3.500 8h.01M8 8h.01M12.500 8h.01" />,
  external: <path d="M9.250 2.500h4.250v4.250M13.500 2.500 7.750 8.250M6.250 3.500H3.500a1 1 0 0 0-1 1v8a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1V9.750" />,
  trash: <path d="M2.500 4.250h11M6.250 4.250v-1.500h3.500v1.500M3.900 4.250l.6 9.250h7l.6-9.250M6.600 7v3.900M9.400 7v3.900" />,
  mail: (
    <>
      <rect x="1.750" y="3.250" width="12.500" height="9.500" rx="1.250" />
      <path d="m2.250 4.500 5.750 4.250 5.750-4.250" />
    </>
  ),
  grid: <path d="M2.500 2.500h4.250v4.250H2.500zM9.250 2.500h4.250v4.250H9.250zM2.500 9.250h4.250v4.250H2.500zM9.250 9.250h4.250v4.250H9.250z" />,
  info: (
    <>
      <circle cx="8" cy="8" r="6.250" />
      <path d="M8 7.500v3.600M8 5v.1" />
    </>
  ),
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof drawings;

export function Icon({ name, size = 16, className }: { name: IconName; size?: number; className?: string }) {
  return (
    <svg
      className={`icon${name === "spinner" ? " icon-spin" : ""}${className === undefined ? "" : ` ${className}`}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {drawings[name]}
    </svg>
  );
}
