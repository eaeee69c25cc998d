/** The log of a run: only what is seen is drawn; what comes while it runs is appended. */
import { useLocation, useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useState } from "react";

import type { FlowRun, Log } from "../api/client";
import { pieces } from "../lib/ansi";
import { LEVELS, levelName, textOf, wanted } from "../lib/log-text";
import { hasEnded } from "../lib/states";
import { clock } from "../lib/time";
import { Button, Failure, Loading, useCopy } from "./basics";
import { useLines } from "./log-lines";

const LINE = 20;
const HEIGHT = 320;
const SCROLLBAR = 20;

/** Of the whole run, or of one task run alone. */
export function Logs({ run, task }: { run: FlowRun; task?: string }) {
  const { lines, error, retry } = useLines(run, task);
  const [least, setLeast] = useState(0);
  const [words, setWords] = useState("");
  const [wraps, setWraps] = useState(false);
  const shown = wanted(lines ?? [], least, words);
  if (!lines) return error ? <Failure error={error} retry={retry} /> : <Loading what="the log" />;
  if (lines.length === 0) return <p className="text-faint">Nothing was logged{hasEnded(run.state_type) ? "" : " yet"}.</p>;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-4">
        <label className="flex items-center gap-2">
          Level
          <select value={least} onChange={(event) => setLeast(Number(event.target.value))} className="rounded border border-line bg-surface px-2 py-1">
            {LEVELS.map(([level, name]) => (
              <option key={level} value={level}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label className="flex items-center gap-2">
          Text
          <input type="search" value={words} onChange={(event) => setWords(event.target.value)} className="rounded border border-line bg-surface px-2 py-1" />
        </label>
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={wraps} onChange={() => setWraps(!wraps)} />
          Wrap
        </label>
        <span className="text-faint">
          {shown.length} of {lines.length} lines
        </span>
        <TakeAway run={run} lines={shown} />
      </div>
      <Lines lines={shown} wraps={wraps} />
    </div>
  );
}

function TakeAway({ run, lines }: { run: FlowRun; lines: Log[] }) {
  const [copied, copy] = useCopy();
  const download = () => {
    const address = URL.createObjectURL(new Blob([textOf(lines)], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = address;
    link.download = `${run.id}.log`;
    link.click();
    URL.revokeObjectURL(address);
  };
  return (
    <span className="ml-auto flex gap-2">
      <Button onClick={() => void copy(textOf(lines))}>{copied ? "Copied" : "Copy"}</Button>
      <Button onClick={download}>Download</Button>
    </span>
  );
}

function Lines({ lines, wraps }: { lines: Log[]; wraps: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const linked = useLocation({ select: (location) => location.hash.match(/^log-(.+)$/)?.[1] });
  const isFollowing = useRef(linked === undefined);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: (index) => LINE * (lines[index]?.message.split("\n").length ?? 1),
    getItemKey: (index) => lines[index]?.id ?? index,
    overscan: 20,
  });
  useEffect(() => rows.measure(), [wraps, rows]);
  useEffect(() => {
    if (isFollowing.current && lines.length > 0) rows.scrollToIndex(lines.length - 1);
  }, [lines.length, rows]);
  const place = linked === undefined ? -1 : lines.findIndex((line) => line.id === linked);
  useEffect(() => {
    if (place >= 0) rows.scrollToIndex(place, { align: "center" });
  }, [place, rows]);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current ?? document.body;
    isFollowing.current = scrollHeight - scrollTop - clientHeight < 2 * LINE;
  };
  return (
    <div
      ref={box}
      onScroll={scrolled}
      role="log"
      aria-label="Log lines"
      tabIndex={0}
      className="overflow-auto rounded border border-line bg-surface font-mono text-xs"
      style={{ height: Math.min(HEIGHT, rows.getTotalSize() + SCROLLBAR) }}
    >
      <div className="relative" style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const line = lines[row.index];
          if (!line) return null;
          return (
            <Row
              key={line.id}
              line={line}
              isLinked={line.id === linked}
              index={row.index}
              wraps={wraps}
              measure={rows.measureElement}
              top={row.start}
            />
          );
        })}
      </div>
    </div>
  );
}

function Row(props: {
  line: Log;
  isLinked: boolean;
  index: number;
  wraps: boolean;
  measure: (element: HTMLElement | null) => void;
  top: number;
}) {
  const { line } = props;
  const navigate = useNavigate();
  const link = () => void navigate({ to: ".", hash: `log-${line.id}`, replace: true, resetScroll: false });
  return (
    <div
      ref={props.measure}
      data-index={props.index}
      aria-current={props.isLinked ? "location" : undefined}
      className={`absolute flex gap-3 px-2 leading-5 ${props.wraps ? "w-full whitespace-pre-wrap" : "whitespace-pre"} ${props.isLinked ? "bg-raised outline outline-link" : ""}`}
      style={{ top: props.top }}
    >
      <button type="button" title="Link to this line" className="flex-none cursor-pointer self-start text-faint hover:underline" onClick={link}>
        <time dateTime={line.timestamp}>{clock(line.timestamp)}</time>
      </button>
      <span className={`flex-none ${line.level >= 40 ? "text-bad" : line.level >= 30 ? "text-warn" : "text-faint"}`}>
        {levelName(line.level).padEnd(8)}
      </span>
      <span className={props.wraps ? "min-w-0 wrap-anywhere" : ""}>{coloured(line.message)}</span>
    </div>
  );
}

function coloured(message: string): ReactNode {
  return pieces(message).map((piece, index) => (
    <span key={index} className={piece.look || undefined}>
      {piece.text}
    </span>
  ));
}
