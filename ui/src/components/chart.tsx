/** Lines over an axis, drawn by uPlot. Loaded when the first one is shown. */
import "uplot/dist/uPlot.min.css";

import { useEffect, useRef } from "react";
import uPlot from "uplot";

import type { View } from "../lib/axis";
import { colourOf, useRepaint } from "./repaint";

export interface Series {
  name: string;
  /** A tone of the theme, and a pattern for those who do not see it. */
  tone: string;
  dash: number[];
  values: (number | null)[];
}

export interface ChartProps {
  /** Places on the axis, rising; and the part of the axis that is shown. */
  places: number[];
  view: View;
  series: Series[];
  height: number;
  /** The width of what stands left of the lines, and right of them. */
  gutter: (width: number) => number;
  margin: number;
  say: (value: number) => string;
  /** Which of the places the pointer is at. */
  point: (at: number | null) => void;
}

export default function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const names = props.series.map((each) => each.name).join();

  useEffect(() => {
    if (!box.current) return;
    const made = new uPlot(optionsOf(latest, box.current), tableOf(latest.current), box.current);
    plot.current = made;
    return () => made.destroy();
  }, [names]);
  useEffect(() => {
    const { from, to } = latest.current.view;
    plot.current?.setData(tableOf(latest.current), false);
    plot.current?.setScale("x", { min: from, max: to });
  }, [props.places, props.series, props.view.from, props.view.to]);
  useRepaint(box, () => {
    const width = box.current?.clientWidth ?? 0;
    if (width > 0 && width !== plot.current?.width) plot.current?.setSize({ width, height: latest.current.height });
    else plot.current?.redraw(false, true);
  });
  return <div ref={box} style={{ height: props.height }} />;
}

/** A single value is no line: it is shown as a point. */
function isAlone(plot: uPlot, series: number): boolean {
  return [...(plot.data[series] ?? [])].filter((value) => value != null).length === 1;
}

function tableOf({ places, series }: ChartProps): uPlot.AlignedData {
  return [places, ...series.map((each) => each.values)] as uPlot.AlignedData;
}

function optionsOf(latest: { current: ChartProps }, box: HTMLElement): uPlot.Options {
  const { height, margin, series, view } = latest.current;
  const line = () => colourOf("line");
  return {
    width: box.clientWidth,
    height,
    padding: [8, margin, 6, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    scales: {
      x: { time: false, min: view.from, max: view.to, auto: false, range: (_, min, max) => [min, max] },
      y: { range: [0, 1] },
    },
    axes: [
      { show: false },
      {
        size: (plot) => latest.current.gutter(plot.width),
        splits: [0, 0.5, 1],
        values: (_, splits) => splits.map((value) => latest.current.say(value)),
        stroke: () => colourOf("faint"),
        font: "11px system-ui, sans-serif",
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
      },
    ],
    series: [
      {},
      ...series.map(
        (each): uPlot.Series => ({
          label: each.name,
          stroke: () => colourOf(each.tone),
          dash: each.dash,
          width: 2,
          spanGaps: true,
          points: { show: isAlone },
        }),
      ),
    ],
    hooks: { setCursor: [(plot) => latest.current.point(plot.cursor.idx ?? null)] },
  };
}
