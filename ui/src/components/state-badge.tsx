/** How a run stands: in a table, in a heading, in the tab of the browser. */
import { useEffect } from "react";

import type { StateType } from "../api/client";
import { type Look, lookOf } from "../lib/states";

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
