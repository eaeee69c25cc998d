/** The tasks of a run on a canvas: wheel to zoom, drag to move. The table of tasks is its twin. */
import { useQuery } from "@tanstack/react-query";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";

import type { FlowRun } from "../api/client";
import * as ask from "../api/queries";
import { hasEnded, lookOf } from "../lib/states";
import { duration } from "../lib/time";
import { moved, ROW, rowsInView, type Span, spansOf, ticks, toPixel, type View, whole, zoomed } from "../lib/timeline";
import { Card, useNow } from "./basics";
import { RunHost } from "./host-chart";

const AXIS = 20;
const HEIGHT = 260;
const ZOOM_A_NOTCH = 1.2;

export function Timeline({ run }: { run: FlowRun }) {
  const found = useQuery(ask.graph(run.id));
  const now = useNow(hasEnded(run.state_type) ? 3_600_000 : 1_000);
  const spans = useMemo(() => spansOf(found.data?.nodes ?? [], now.getTime()), [found.data, now]);
  const began = run.start_time ? Date.parse(run.start_time) : null;
  const ended = run.end_time ? Date.parse(run.end_time) : now.getTime();
  const bounds = useMemo(() => whole(spans, began === null ? null : { from: began, to: ended }), [spans, began, ended]);
  const [chosen, setView] = useState<View | null>(null);
  if (bounds === null) return null;
  const view = chosen ?? bounds;
  return (
    <Card title={`Timeline: ${spans.length.toLocaleString()} tasks`}>
      {spans.length > 0 && <Chart spans={spans} bounds={bounds} view={view} setView={setView} />}
      <RunHost run={run} view={view} />
    </Card>
  );
}

function Chart(props: { spans: Span[]; bounds: View; view: View; setView: (view: View | null) => void }) {
  const { spans, bounds, view, setView } = props;
  const [under, setUnder] = useState<Span | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const dragged = useRef<number | null>(null);

  useEffect(() => {
    const frame = requestAnimationFrame(() => draw(canvas.current, box.current, spans, view, bounds));
    return () => cancelAnimationFrame(frame);
  });
  useEffect(() => {
    const redraw = () => draw(canvas.current, box.current, spans, view, bounds);
    const watched = box.current;
    const resized = new ResizeObserver(redraw);
    if (watched) resized.observe(watched);
    watched?.addEventListener("scroll", redraw);
    return () => {
      resized.disconnect();
      watched?.removeEventListener("scroll", redraw);
    };
  }, [spans, view, bounds]);
  useEffect(() => {
    // React's own wheel listeners are passive: they could not keep the page from scrolling.
    const watched = box.current;
    const wheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      const share = event.offsetX / (watched?.clientWidth ?? 1);
      const notch = event.deltaY + event.deltaX > 0 ? ZOOM_A_NOTCH : 1 / ZOOM_A_NOTCH;
      setView(zoomed(view, bounds, notch, share));
    };
    watched?.addEventListener("wheel", wheel, { passive: false });
    return () => watched?.removeEventListener("wheel", wheel);
  }, [view, bounds, setView]);

  const point = (event: PointerEvent) => {
    const width = box.current?.clientWidth ?? 1;
    if (dragged.current !== null) {
      const pixels = dragged.current - event.clientX;
      dragged.current = event.clientX;
      setView(moved(view, bounds, (pixels / width) * (view.to - view.from)));
    }
    const frame = box.current?.getBoundingClientRect();
    const row = Math.floor((event.clientY - (frame?.top ?? 0) - AXIS + (box.current?.scrollTop ?? 0)) / ROW);
    setUnder(spans[row] ?? null);
  };
  const step = (by: number) => setView(zoomed(view, bounds, by, 0.5));
  const shift = (by: number) => setView(moved(view, bounds, by * (view.to - view.from)));
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3">
        <span role="group" aria-label="Zoom" className="flex gap-1">
          {(
            [
              ["Nearer", () => step(0.5)],
              ["Farther", () => step(2)],
              ["Earlier", () => shift(-0.5)],
              ["Later", () => shift(0.5)],
              ["All", () => setView(null)],
            ] as const
          ).map(([name, act]) => (
            <button key={name} type="button" onClick={act} className="cursor-pointer rounded border border-line bg-surface px-2">
              {name}
            </button>
          ))}
        </span>
        <span className="text-faint">Ctrl and the wheel zoom, dragging moves.</span>
        <output className="ml-auto">
          {under && `${under.name}: ${under.state.toLowerCase()}, ${duration((under.end - under.start) / 1000)}`}
        </output>
      </div>
      <div
        ref={box}
        role="img"
        tabIndex={0}
        aria-label={`When each of ${spans.length} tasks ran. The table of tasks says the same in words.`}
        className="relative overflow-y-auto rounded border border-line bg-surface"
        style={{ height: Math.min(HEIGHT, spans.length * ROW + AXIS + 4) }}
        onPointerDown={(event) => {
          dragged.current = event.clientX;
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={point}
        onPointerUp={() => (dragged.current = null)}
        onPointerLeave={() => setUnder(null)}
      >
        <canvas ref={canvas} className="sticky top-0 block" />
        <div aria-hidden="true" style={{ height: Math.max(0, spans.length * ROW + AXIS - HEIGHT) }} />
      </div>
    </div>
  );
}

/** Draws the rows in view, whatever their number is: a frame costs the same for 10 and 10,000. */
function draw(canvas: HTMLCanvasElement | null, box: HTMLElement | null, spans: Span[], view: View, bounds: View): void {
  const pen = canvas?.getContext("2d");
  if (!canvas || !pen || !box) return;
  const [width, height, dense] = [box.clientWidth, box.clientHeight, window.devicePixelRatio];
  if (canvas.width !== width * dense || canvas.height !== height * dense) {
    canvas.width = width * dense;
    canvas.height = height * dense;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const colour = (name: string) => getComputedStyle(box).getPropertyValue(`--${name}`);
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  const tones = new Map<string, string>();
  const toneOf = (state: string) => {
    const known = tones.get(state);
    if (known !== undefined) return known;
    const found = colour(lookOf(state as never).tone);
    tones.set(state, found);
    return found;
  };
  const [first, last] = rowsInView(spans.length, box.scrollTop, height);
  const ink = colour("ink");
  for (let row = first; row < last; row++) {
    const span = spans[row];
    if (!span || span.end < view.from || span.start > view.to) continue;
    const top = AXIS + row * ROW - box.scrollTop;
    const left = toPixel(view, width, Math.max(span.start, view.from));
    const right = toPixel(view, width, Math.min(span.end, view.to));
    pen.fillStyle = toneOf(span.state);
    pen.fillRect(left, top + 3, Math.max(2, right - left), ROW - 6);
    pen.fillStyle = ink;
    const beside = right + 6 < width - 120;
    pen.textAlign = beside ? "left" : "right";
    pen.fillText(span.name, beside ? right + 6 : left - 6, top + ROW / 2);
  }
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, width, AXIS);
  pen.fillStyle = colour("faint");
  pen.textAlign = "left";
  for (const tick of ticks(view, bounds.from)) {
    const at = toPixel(view, width, bounds.from + tick);
    pen.fillRect(at, 0, 1, AXIS);
    pen.fillText(duration(tick / 1000), at + 4, AXIS / 2);
  }
}
