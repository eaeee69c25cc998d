/** The small parts that every screen is made of. */
import { type ReactNode, useEffect, useState } from "react";

import { Refusal, type StateType } from "../api/client";
import { type Look, lookOf } from "../lib/states";
import { absolute, relative } from "../lib/time";

const TONES: Record<Look["tone"], string> = {
  good: "text-good",
  bad: "text-bad",
  warn: "text-warn",
  busy: "text-busy",
  calm: "text-calm",
  muted: "text-muted",
};

export function StateBadge({ type, name }: { type?: StateType | null; name?: string | null }) {
  const look = lookOf(type);
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium ${TONES[look.tone]}`}>
      <span aria-hidden="true" className="inline-block w-3 text-center">
        {look.shape}
      </span>
      {name ?? (type ? `${type.charAt(0)}${type.slice(1).toLowerCase()}` : "No state")}
    </span>
  );
}

/** An instant, as far away as it is; the whole of it on hovering. */
export function When({ at }: { at?: string | null }) {
  const now = useNow();
  if (!at) return <span className="text-faint">–</span>;
  return (
    <time dateTime={at} title={absolute(at)}>
      {relative(at, now)}
    </time>
  );
}

export function useNow(everyMs = 5_000): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** The title of the tab says where one is, and how it stands. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Runwright`;
  }, [title]);
}

/** The icon of the tab is the state's own shape, as long as the screen is open. */
export function useIcon(type: StateType | null | undefined): void {
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>("#favicon");
    if (!icon || !type) return;
    const { shape, tone } = lookOf(type);
    const colour = getComputedStyle(document.documentElement).getPropertyValue(`--${tone}`);
    const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><text x="16" y="26" font-size="28" text-anchor="middle" fill="${colour}">${shape}</text></svg>`;
    const before = icon.href;
    icon.href = `data:image/svg+xml,${encodeURIComponent(picture)}`;
    return () => {
      icon.href = before;
    };
  }, [type]);
}

export function Card({ title, children }: { title?: ReactNode; children: ReactNode }) {
  return (
    <section className="rounded border border-line bg-raised p-4">
      {title && <h2 className="mb-2 text-sm font-semibold">{title}</h2>}
      {children}
    </section>
  );
}

export function Button(props: {
  children: ReactNode;
  onClick?: () => void;
  disabled?: boolean;
  type?: "button" | "submit";
  danger?: boolean;
}) {
  return (
    <button
      type={props.type ?? "button"}
      onClick={props.onClick}
      disabled={props.disabled}
      className={`cursor-pointer rounded border border-line bg-surface px-3 py-1 font-medium hover:bg-raised disabled:cursor-default disabled:text-faint ${props.danger ? "text-bad" : ""}`}
    >
      {props.children}
    </button>
  );
}

/** Whether something was copied lately, and what copies a text. */
export function useCopy(): [boolean, (text: string) => Promise<void>] {
  const [copied, setCopied] = useState(false);
  const copy = async (text: string) => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return [copied, copy];
}

/** A line of text with its label. */
export function TextField(props: {
  label: string;
  value: string;
  change: (text: string) => void;
  type?: "text" | "search" | "number";
}) {
  return (
    <label className="flex items-center gap-2">
      {props.label}
      <input
        type={props.type ?? "text"}
        value={props.value}
        onChange={(event) => props.change(event.target.value)}
        className="rounded border border-line bg-surface px-2 py-1"
      />
    </label>
  );
}

/** Deletes what it stands beside, when it was pressed twice. */
export function Delete({ name, act, disabled }: { name: string; act: () => void; disabled?: boolean }) {
  const [isSure, setSure] = useState(false);
  const press = () => {
    if (isSure) act();
    setSure(!isSure);
  };
  return (
    <button
      type="button"
      disabled={disabled}
      onClick={press}
      onBlur={() => setSure(false)}
      aria-label={isSure ? `Yes, delete ${name}` : `Delete ${name}`}
      className={`cursor-pointer ${isSure ? "font-semibold text-bad" : "text-link"}`}
    >
      {isSure ? "Yes, delete" : "Delete"}
    </button>
  );
}

export function Command({ text }: { text: string }) {
  const [copied, copy] = useCopy();
  return (
    <span className="inline-flex max-w-full items-center gap-2 rounded border border-line bg-surface px-2 py-1">
      <code className="overflow-x-auto whitespace-pre font-mono text-xs">{text}</code>
      <button type="button" className="cursor-pointer text-link" onClick={() => void copy(text)}>
        {copied ? "Copied" : "Copy"}
      </button>
    </span>
  );
}

export function Empty({ children, command }: { children: ReactNode; command?: string }) {
  return (
    <div className="flex flex-col items-start gap-3 rounded border border-dashed border-line p-6 text-faint">
      <p>{children}</p>
      {command && <Command text={command} />}
    </div>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const what = error instanceof Refusal && error.status === 403 ? "Not allowed" : "That failed";
  return (
    <div role="alert" className="flex flex-col items-start gap-2 rounded border border-bad p-4">
      <p className="font-medium text-bad">{what}</p>
      <p>{error.message}</p>
      {retry && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p role="status" className="p-4 text-faint">
      Loading {what} …
    </p>
  );
}

export interface Column<T> {
  title: string;
  /** What stands above it in place of its title. */
  head?: ReactNode;
  cell: (row: T) => ReactNode;
  wide?: boolean;
}

export function Table<T>(props: {
  label: string;
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string;
}) {
  return (
    <div className="overflow-x-auto">
      <table aria-label={props.label} className="w-full border-collapse text-left">
        <thead>
          <tr className="border-b border-line text-xs text-faint">
            {props.columns.map((column) => (
              <th key={column.title} scope="col" className="px-2 py-1.5 font-medium">
                {column.head ?? column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.id(row)} className="border-b border-line hover:bg-raised">
              {props.columns.map((column) => (
                <td key={column.title} className={`px-2 py-1.5 ${column.wide ? "w-full" : "whitespace-nowrap"}`}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
