/** The log of a run: only what is seen is drawn; what comes while it runs is appended. */
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";

import { api, type FlowRun, good, type Log } from "../api/client";
import { hasEnded } from "../lib/states";
import { clock } from "../lib/time";

const PAGE = 200;
const LOOK_AGAIN_MS = 1_000;
const LINE = 20;
const LEVELS: [number, string][] = [
  [0, "all"],
  [20, "info"],
  [30, "warning"],
  [40, "error"],
];

/** Everything that is there by now, page after page, beginning after what is known. */
async function linesAfter(run: string, known: Log[]): Promise<Log[]> {
  const lines = [...known];
  for (;;) {
    const body = {
      logs: { flow_run_id: { any_: [run] } },
      sort: "TIMESTAMP_ASC",
      limit: PAGE,
      offset: lines.length,
    };
    const page = await good(api.POST("/api/logs/filter", { body }));
    lines.push(...page);
    if (page.length < PAGE) return lines;
  }
}

function useLines(run: FlowRun): Log[] | undefined {
  const known = useRef<{ run: string; lines: Log[] }>({ run: run.id, lines: [] });
  if (known.current.run !== run.id) known.current = { run: run.id, lines: [] };
  const found = useQuery({
    queryKey: ["logs", run.id, hasEnded(run.state_type)],
    queryFn: async () => {
      const lines = await linesAfter(run.id, known.current.lines);
      known.current = { run: run.id, lines };
      return lines;
    },
    refetchInterval: hasEnded(run.state_type) ? false : LOOK_AGAIN_MS,
    placeholderData: (before) => before,
  });
  return found.data;
}

export function Logs({ run }: { run: FlowRun }) {
  const lines = useLines(run);
  const [least, setLeast] = useState(0);
  const [words, setWords] = useState("");
  const wanted = words.toLowerCase();
  const shown = (lines ?? []).filter(
    (line) => line.level >= least && line.message.toLowerCase().includes(wanted),
  );
  const box = useRef<HTMLDivElement>(null);
  const isFollowing = useRef(true);
  const rows = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    estimateSize: () => LINE,
    overscan: 20,
  });
  useEffect(() => {
    if (isFollowing.current && shown.length > 0) rows.scrollToIndex(shown.length - 1);
  }, [shown.length, rows]);
  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current ?? document.body;
    isFollowing.current = scrollHeight - scrollTop - clientHeight < 2 * LINE;
  };
  if (lines?.length === 0) return <p className="text-faint">Nothing was logged{hasEnded(run.state_type) ? "" : " yet"}.</p>;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap gap-4">
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
        <span className="text-faint">
          {shown.length} of {lines?.length ?? 0} lines
        </span>
      </div>
      <div
        ref={box}
        onScroll={scrolled}
        role="log"
        aria-label="Log lines"
        tabIndex={0}
        className="h-80 overflow-auto rounded border border-line bg-surface font-mono text-xs"
      >
        <div className="relative" style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map((row) => {
            const line = shown[row.index];
            return (
              line && (
                <div key={line.id} className="absolute flex gap-3 whitespace-pre px-2 leading-5" style={{ top: row.start }}>
                  <time dateTime={line.timestamp} className="text-faint">
                    {clock(line.timestamp)}
                  </time>
                  <span className={line.level >= 40 ? "text-bad" : line.level >= 30 ? "text-warn" : "text-faint"}>
                    {levelName(line.level)}
                  </span>
                  <span>{line.message}</span>
                </div>
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

function levelName(level: number): string {
  return (level >= 50 ? "CRITICAL" : level >= 40 ? "ERROR" : level >= 30 ? "WARNING" : level >= 20 ? "INFO" : "DEBUG").padEnd(8);
}
