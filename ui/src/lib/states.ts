/** How states look: a colour and a shape each, since colour alone says nothing to some. */
import type { StateType } from "../api/client";

export interface Look {
  shape: string;
  tone: "good" | "bad" | "warn" | "busy" | "calm" | "muted";
}

const LOOKS: Record<StateType, Look> = {
  COMPLETED: { shape: "✓", tone: "good" },
  FAILED: { shape: "✕", tone: "bad" },
  CRASHED: { shape: "↯", tone: "warn" },
  RUNNING: { shape: "▶", tone: "busy" },
  PENDING: { shape: "◔", tone: "calm" },
  SCHEDULED: { shape: "◷", tone: "calm" },
  PAUSED: { shape: "Ⅱ", tone: "calm" },
  CANCELLING: { shape: "⊘", tone: "muted" },
  CANCELLED: { shape: "⊘", tone: "muted" },
};

export const STATE_TYPES = Object.keys(LOOKS) as StateType[];

const TERMINAL: ReadonlySet<string> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);

export function lookOf(type: StateType | null | undefined): Look {
  return type ? LOOKS[type] : { shape: "·", tone: "muted" };
}

export function hasEnded(type: string | null | undefined): boolean {
  return type != null && TERMINAL.has(type);
}
