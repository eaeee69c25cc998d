/** The canvas of a timeline, and what mouse and keys do on it. */
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from "react";

import type { Axis, View } from "../lib/axis";
import { edgesOf, type Known, type Row } from "../lib/graph";
import { moved, ROW, zoomed } from "../lib/timeline";
import { useRepaint } from "./repaint";
import { AXIS, gutterOf, MARGIN, openerOf, paint, type Scene } from "./timeline-paint";

const HEIGHT = 372;
export const NOTCH = 1.25;
const STEP = 0.15;
/** A press that moves less than so many pixels is a click. */
const STILL = 4;

export interface ChartProps {
  rows: readonly Row[];
  /** The run, and the nested ones that are open: they know what depends on what. */
  known: readonly Known[];
  axis: Axis;
  shown: View;
  now: number;
  word: Scene["word"];
  label: string;
  describedBy: string;
  show: (view: View | null) => void;
  point: (row: Row | null) => void;
  open: (row: Row) => void;
  toggle: (row: Row) => void;
}

interface Press {
  x: number;
  y: number;
  /** Where the pointer was when the view was moved last. */
  last: number;
  hasMoved: boolean;
}

export function Chart(props: ChartProps) {
  const { rows, known, axis, shown, now, word, show, point } = props;
  const [under, setUnder] = useState<number | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const press = useRef<Press | null>(null);
  const bounds = { from: 0, to: axis.length };

  const places = useMemo(() => new Map(rows.map((row, at) => [row.bar.id, at])), [rows]);
  const chosenAt = chosen === null ? null : (places.get(chosen) ?? null);
  const looked = under ?? chosenAt;
  const edges = useMemo(() => edgesOf(rows, places, known, looked), [rows, places, known, looked]);
  const scene: Scene = { rows, axis, shown, now, under, chosen: chosenAt, edges, word };
  const repaint = () => paint(canvas.current, box.current, scene);
  useRepaint(box, repaint);
  useEffect(() => {
    const frame = requestAnimationFrame(repaint);
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => point(looked === null ? null : (rows[looked] ?? null)), [looked, rows, point]);

  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    const width = plotWidth(box.current);
    if (event.ctrlKey || event.shiftKey) {
      event.preventDefault();
      const share = Math.min(1, Math.max(0, (xOf(event, box.current) - gutterOf(box.current?.clientWidth ?? 0)) / width));
      show(zoomed(shown, bounds, event.deltaY + event.deltaX > 0 ? NOTCH : 1 / NOTCH, share));
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      show(moved(shown, bounds, (event.deltaX / width) * (shown.to - shown.from)));
    }
  };
  useEffect(() => {
    // React's own wheel listeners are passive: they could not keep the page from scrolling.
    const watched = box.current;
    const turned = (event: WheelEvent) => wheel.current(event);
    watched?.addEventListener("wheel", turned, { passive: false });
    return () => watched?.removeEventListener("wheel", turned);
  }, []);

  const rowAt = (event: PointerEvent): number | null => {
    const frame = box.current?.getBoundingClientRect();
    const y = event.clientY - (frame?.top ?? 0) - AXIS;
    const row = Math.floor((y + (box.current?.scrollTop ?? 0)) / ROW);
    return y >= 0 && row < rows.length ? row : null;
  };
  const move = (event: PointerEvent) => {
    const held = press.current;
    if (held) {
      held.hasMoved ||= Math.hypot(event.clientX - held.x, event.clientY - held.y) >= STILL;
      if (held.hasMoved) {
        const pixels = held.last - event.clientX;
        held.last = event.clientX;
        show(moved(shown, bounds, (pixels / plotWidth(box.current)) * (shown.to - shown.from)));
      }
    }
    setUnder(rowAt(event));
  };
  const release = (event: PointerEvent) => {
    const held = press.current;
    press.current = null;
    const at = rowAt(event);
    const row = at === null ? undefined : rows[at];
    if (!held || held.hasMoved || !row) return;
    const [from, to] = openerOf(row.depth);
    const x = xOf(event, box.current);
    if (row.bar.kind === "flow-run" && x >= from && x < to) props.toggle(row);
    else props.open(row);
  };

  const choose = (at: number) => {
    const row = Math.min(rows.length - 1, Math.max(0, at));
    setChosen(rows[row]?.bar.id ?? null);
    setUnder(null);
    const watched = box.current;
    if (!watched) return;
    const [top, room] = [row * ROW, watched.clientHeight - AXIS - ROW];
    watched.scrollTop = Math.min(top, Math.max(watched.scrollTop, top - room));
  };
  const page = Math.max(1, Math.floor(((box.current?.clientHeight ?? HEIGHT) - AXIS) / ROW) - 1);
  const at = chosenAt ?? -1;
  const sideways = (by: number) => show(moved(shown, bounds, by * (shown.to - shown.from)));
  const chosenRow = chosenAt === null ? undefined : rows[chosenAt];
  const keys: Record<string, () => void> = {
    "+": () => show(zoomed(shown, bounds, 1 / NOTCH, 0.5)),
    "=": () => show(zoomed(shown, bounds, 1 / NOTCH, 0.5)),
    "-": () => show(zoomed(shown, bounds, NOTCH, 0.5)),
    "0": () => show(null),
    ArrowLeft: () => sideways(-STEP),
    ArrowRight: () => sideways(STEP),
    ArrowUp: () => choose(at - 1),
    ArrowDown: () => choose(at + 1),
    PageUp: () => choose(at - page),
    PageDown: () => choose(at + page),
    Home: () => choose(0),
    End: () => choose(rows.length - 1),
    Escape: () => setChosen(null),
    Enter: () => chosenRow && props.open(chosenRow),
    " ": () => chosenRow?.bar.kind === "flow-run" && props.toggle(chosenRow),
  };
  const pressed = (event: KeyboardEvent) => {
    const act = keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };

  return (
    <div
      ref={box}
      role="application"
      tabIndex={0}
      aria-label={props.label}
      aria-describedby={props.describedBy}
      className="relative cursor-pointer touch-pan-y overflow-y-auto rounded border border-line bg-surface [scrollbar-gutter:stable]"
      style={{ height: Math.min(HEIGHT, rows.length * ROW + AXIS + 4) }}
      onKeyDown={pressed}
      onScroll={repaint}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        press.current = { x: event.clientX, y: event.clientY, last: event.clientX, hasMoved: false };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={move}
      onPointerUp={release}
      onPointerCancel={() => (press.current = null)}
      onPointerLeave={() => setUnder(null)}
    >
      <canvas ref={canvas} className="sticky top-0 block" />
      <div aria-hidden="true" style={{ height: Math.max(0, rows.length * ROW + AXIS + 2 - HEIGHT) }} />
    </div>
  );
}

function plotWidth(box: HTMLElement | null): number {
  const width = box?.clientWidth ?? 1;
  return Math.max(1, width - gutterOf(width) - MARGIN);
}

function xOf(event: { clientX: number }, box: HTMLElement | null): number {
  return event.clientX - (box?.getBoundingClientRect().left ?? 0);
}
