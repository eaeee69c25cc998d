/** What is pressed and typed into. */
import { type ReactNode, useEffect, useState } from "react";

import { copyText } from "../lib/clipboard";
import { BUTTON, Confirm } from "./dialogs";

export function Button(props: {
  children: ReactNode;
  onClick?: () => void;
  disabled?: boolean;
  type?: "button" | "submit";
  danger?: boolean;
}) {
  const { danger, type = "button", ...rest } = props;
  return <button {...rest} type={type} className={`${BUTTON} ${danger ? "text-bad" : ""}`} />;
}

const COPIED_MS = 2_000;

/** Whether something was copied just now, and what copies a text. */
export function useCopy(): [boolean, (text: string) => Promise<void>] {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (text: string) => {
    await copyText(text);
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

/** Deletes what it stands beside, when that was confirmed. */
export function Delete(props: { name: string; act: () => void; disabled?: boolean; says?: ReactNode }) {
  return (
    <Confirm
      title={`Delete ${props.name}?`}
      says={props.says ?? "It cannot be brought back."}
      yes="Yes, delete"
      yesLabel={`Yes, delete ${props.name}`}
      act={props.act}
      isDanger
      trigger={
        <button type="button" disabled={props.disabled} aria-label={`Delete ${props.name}`} className="cursor-pointer text-link">
          Delete
        </button>
      }
    />
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
