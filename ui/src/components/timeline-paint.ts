/** How a timeline looks on its canvas. Only rows in view are drawn: a frame costs the same for 10 and 10,000. */
import { type Axis, placeOf, ticksOf, type View } from "../lib/axis";
import type { Bar, Row, Stretch } from "../lib/graph";
import { lookOf } from "../lib/states";
import { duration } from "../lib/time";
import { ROW, rowsInView, toPixel } from "../lib/timeline";
import { colourOf } from "./repaint";

export const AXIS = 22;
/** Beside the last instant, so that nothing touches the border. */
export const MARGIN = 8;
const INDENT = 14;
const BAR = 10;
const MOST_EDGES = 200;
const FONT = "12px system-ui, sans-serif";
const SMALL = "11px system-ui, sans-serif";

export interface Edge {
  from: number;
  to: number;
}

export interface Scene {
  rows: readonly Row[];
  axis: Axis;
  /** What of the axis is shown. */
  shown: View;
  now: number;
  under: number | null;
  chosen: number | null;
  /** Rows whose results went into others. */
  edges: readonly Edge[];
  /** What a run did during a fold. */
  word: (fold: View) => string;
}

/** The width of the column of names. */
export function gutterOf(width: number): number {
  return Math.round(Math.min(220, Math.max(120, width * 0.2)));
}

/** Where the mark is that opens a nested run. */
export function openerOf(depth: number): [number, number] {
  return [depth * INDENT, depth * INDENT + 18];
}

interface Drawing {
  pen: CanvasRenderingContext2D;
  scene: Scene;
  width: number;
  height: number;
  gutter: number;
  scroll: number;
  /** Of a place of the axis, and of an instant. */
  x: (place: number) => number;
  at: (instant: number) => number;
  colour: (name: string) => string;
}

export function paint(canvas: HTMLCanvasElement | null, box: HTMLElement | null, scene: Scene): void {
  const pen = canvas?.getContext("2d");
  if (!canvas || !pen || !box) return;
  const [width, height] = [box.clientWidth, box.clientHeight];
  fit(canvas, pen, width, height);
  const gutter = gutterOf(width);
  const known = new Map<string, string>();
  const colour = (name: string) => {
    const found = known.get(name) ?? colourOf(name);
    known.set(name, found);
    return found;
  };
  const x = (place: number) => gutter + toPixel(scene.shown, width - gutter - MARGIN, place);
  const at = (instant: number) => x(placeOf(scene.axis, instant));
  const drawing: Drawing = { pen, scene, width, height, gutter, scroll: box.scrollTop, x, at, colour };
  const [first, last] = rowsInView(scene.rows.length, box.scrollTop, height - AXIS);
  rowGrounds(drawing, first, last);
  within(drawing, () => {
    grid(drawing);
    folds(drawing);
    for (let row = first; row < last; row++) bars(drawing, row);
    edges(drawing);
  });
  for (let row = first; row < last; row++) name(drawing, row);
  scale(drawing);
}

function fit(canvas: HTMLCanvasElement, pen: CanvasRenderingContext2D, width: number, height: number): void {
  const dense = window.devicePixelRatio;
  if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, width, height);
  pen.textBaseline = "middle";
  pen.textAlign = "left";
}

/** Draws nothing over the names. */
function within({ pen, gutter, width, height }: Drawing, draw: () => void): void {
  pen.save();
  pen.beginPath();
  pen.rect(gutter, 0, width - gutter, height);
  pen.clip();
  draw();
  pen.restore();
}

const topOf = ({ scroll }: Drawing, row: number) => AXIS + row * ROW - scroll;
const middleOf = (drawing: Drawing, row: number) => topOf(drawing, row) + ROW / 2;

function rowGrounds(drawing: Drawing, first: number, last: number): void {
  const { pen, scene, width, colour } = drawing;
  for (const [row, tone] of [[scene.under, "raised"], [scene.chosen, "raised"]] as const) {
    if (row === null || row < first || row >= last) continue;
    pen.fillStyle = colour(tone);
    pen.fillRect(0, topOf(drawing, row), width, ROW);
  }
  if (scene.chosen !== null) {
    pen.fillStyle = colour("link");
    pen.fillRect(0, topOf(drawing, scene.chosen), 2, ROW);
  }
}

function grid({ pen, scene, height, x, colour }: Drawing): void {
  pen.fillStyle = colour("line");
  pen.globalAlpha = 0.5;
  for (const tick of ticksOf(scene.axis, scene.shown)) pen.fillRect(Math.round(x(tick.place)), AXIS, 1, height);
  pen.globalAlpha = 1;
}

/** A band with a torn edge on either side. */
function folds({ pen, scene, height, x, colour }: Drawing): void {
  for (const fold of scene.axis.folds) {
    const [left, right] = [x(fold.at), x(fold.at + fold.width)];
    if (right < 0 || left > pen.canvas.width) continue;
    pen.fillStyle = colour("raised");
    pen.fillRect(left, AXIS, right - left, height);
    pen.strokeStyle = colour("faint");
    pen.lineWidth = 1;
    pen.beginPath();
    for (const edge of [left, right])
      for (let y = AXIS, turn = 0; y <= height + 4; y += 5, turn++) {
        const to = edge + (turn % 2 === 0 ? -2 : 2);
        if (turn === 0) pen.moveTo(to, y);
        else pen.lineTo(to, y);
      }
    pen.stroke();
  }
}

function bars(drawing: Drawing, row: number): void {
  const { scene, colour, width } = drawing;
  const bar = scene.rows[row]?.bar;
  if (!bar) return;
  const end = bar.end ?? scene.now;
  const [left, right] = [drawing.at(bar.start), drawing.at(end)];
  if (right >= drawing.gutter && left <= width) {
    const top = middleOf(drawing, row) - BAR / 2;
    const tone = colour(lookOf(bar.state).tone);
    if (bar.tries.length > 0) tries(drawing, bar, top, tone);
    else stretch(drawing, bar, top, tone, bar.kind === "flow-run");
    howLong(drawing, row, duration((end - bar.start) / 1000), Math.max(left, drawing.gutter), right);
  }
}

/** Behind the bar, or before it where there is no room. */
function howLong({ pen, scene, colour, width, scroll }: Drawing, row: number, text: string, left: number, right: number): void {
  pen.font = SMALL;
  const wide = pen.measureText(text).width;
  const x = right + 6 + wide > width ? Math.min(left, width) - 6 - wide : right + 6;
  const isMarked = row === scene.under || row === scene.chosen;
  const y = AXIS + row * ROW - scroll + ROW / 2;
  pen.fillStyle = colour(isMarked ? "raised" : "surface");
  pen.fillRect(x - 2, y - 7, wide + 4, 14);
  pen.fillStyle = colour("faint");
  pen.fillText(text, x, y);
}

/** A task is a bar; a nested run is one with feet, since others may stand under it. */
function stretch(drawing: Drawing, of: Stretch, top: number, tone: string, isNested: boolean): void {
  const { pen, scene } = drawing;
  const left = drawing.at(of.start);
  const long = Math.max(2, drawing.at(of.end ?? scene.now) - left);
  pen.fillStyle = tone;
  if (!isNested) {
    pen.fillRect(left, top, long, BAR);
    return;
  }
  pen.fillRect(left, top, long, BAR / 2);
  pen.fillRect(left, top, Math.min(3, long), BAR);
  pen.fillRect(left + long - Math.min(3, long), top, Math.min(3, long), BAR);
}

/** Those that came to nothing are hollow, and a thin line leads to the next one. */
function tries(drawing: Drawing, bar: Bar, top: number, tone: string): void {
  const { pen, scene } = drawing;
  const left = drawing.at(bar.start);
  pen.fillStyle = tone;
  pen.fillRect(left, top + BAR / 2 - 0.5, drawing.at(bar.end ?? scene.now) - left, 1);
  bar.tries.forEach((each, number) => {
    stretch(drawing, each, top, tone, false);
    const [from, to] = [drawing.at(each.start), drawing.at(each.end ?? scene.now)];
    if (number === bar.tries.length - 1 || to - from < 4) return;
    pen.fillStyle = drawing.colour("surface");
    pen.fillRect(from + 1.5, top + 1.5, to - from - 3, BAR - 3);
  });
}

function edges(drawing: Drawing): void {
  const { pen, scene, colour } = drawing;
  pen.strokeStyle = colour("ink");
  pen.fillStyle = colour("ink");
  pen.lineWidth = 1.25;
  pen.globalAlpha = 0.75;
  for (const { from, to } of scene.edges.slice(0, MOST_EDGES)) {
    const [before, after] = [scene.rows[from]?.bar, scene.rows[to]?.bar];
    if (!before || !after) continue;
    const [x0, y0] = [drawing.at(before.end ?? scene.now), middleOf(drawing, from)];
    const [x1, y1] = [drawing.at(after.start) - 1, middleOf(drawing, to)];
    const bend = Math.max(12, Math.abs(x1 - x0) / 2);
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1 - 4, y1);
    pen.stroke();
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x1 - 6, y1 - 3.5);
    pen.lineTo(x1 - 6, y1 + 3.5);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

function name(drawing: Drawing, row: number): void {
  const { pen, scene, gutter, colour } = drawing;
  const of = scene.rows[row];
  if (!of) return;
  const y = middleOf(drawing, row);
  const [begin, end] = openerOf(of.depth);
  pen.font = FONT;
  if (of.bar.kind === "flow-run") {
    pen.fillStyle = colour("faint");
    pen.fillText(of.isOpen ? "▾" : "▸", begin + 6, y);
  }
  const { shape, tone } = lookOf(of.bar.state);
  pen.fillStyle = colour(tone);
  pen.fillText(shape, end, y);
  pen.fillStyle = colour("ink");
  pen.fillText(shortened(pen, of.bar.name, gutter - end - 24), end + 16, y);
}

/** As much of a text as there is room for. */
function shortened(pen: CanvasRenderingContext2D, text: string, room: number): string {
  const wide = pen.measureText(text).width;
  if (wide <= room) return text;
  return `${text.slice(0, Math.max(1, Math.floor((text.length * room) / wide) - 1))}…`;
}

/** The axis, on top of all that was scrolled under it. */
function scale(drawing: Drawing): void {
  const { pen, scene, gutter, width, x, colour } = drawing;
  pen.fillStyle = colour("surface");
  pen.fillRect(0, 0, width, AXIS);
  pen.fillStyle = colour("line");
  pen.fillRect(0, AXIS - 1, width, 1);
  pen.fillRect(gutter, 0, 1, drawing.height);
  pen.font = SMALL;
  within(drawing, () => {
    const taken: [number, number][] = [];
    const say = (text: string, middle: number, padding: number) => {
      const half = pen.measureText(text).width / 2 + padding;
      const left = Math.min(Math.max(middle - half, gutter + 2), width - 2 * half);
      if (taken.some(([from, to]) => left < to && left + 2 * half > from)) return;
      taken.push([left, left + 2 * half]);
      pen.fillText(text, left + padding, AXIS / 2);
    };
    pen.fillStyle = colour("ink");
    for (const fold of scene.axis.folds) {
      const middle = x(fold.at + fold.width / 2);
      if (middle > gutter && middle < width) say(`${duration((fold.to - fold.from) / 1000)} ${scene.word(fold)}`, middle, 4);
    }
    pen.fillStyle = colour("faint");
    for (const tick of ticksOf(scene.axis, scene.shown)) say(tick.words, x(tick.place), 4);
  });
}
