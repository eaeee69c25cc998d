/** A text with the numbers of its lines, and the line that is wrong marked. */
import { useId, useRef } from "react";

const LEAST = 12;
const MOST = 32;

export function LineEditor(props: {
  label: string;
  text: string;
  change: (text: string) => void;
  error?: string;
  line?: number;
}) {
  const about = useId();
  const numbers = useRef<HTMLOListElement>(null);
  const lines = props.text.split("\n").length;
  const rows = Math.min(MOST, Math.max(LEAST, lines));
  return (
    <div className="flex flex-col gap-1">
      <div className={`flex overflow-hidden rounded border bg-surface font-mono text-xs leading-5 ${props.error ? "border-bad" : "border-line"}`}>
        <ol
          ref={numbers}
          aria-hidden="true"
          className="select-none overflow-hidden border-r border-line bg-raised py-2 text-right text-faint"
          style={{ height: `calc(${rows} * 1.25rem + 1rem)` }}
        >
          {Array.from({ length: lines }, (_, at) => (
            <li key={at} className={`px-2 ${at + 1 === props.line ? "bg-bad text-surface" : ""}`}>
              {at + 1}
            </li>
          ))}
        </ol>
        <textarea
          aria-label={props.label}
          aria-invalid={props.error !== undefined}
          aria-describedby={about}
          spellCheck={false}
          wrap="off"
          rows={rows}
          value={props.text}
          onChange={(event) => props.change(event.target.value)}
          onScroll={(event) => {
            if (numbers.current) numbers.current.scrollTop = event.currentTarget.scrollTop;
          }}
          className="w-full resize-none bg-surface px-2 py-2 leading-5"
        />
      </div>
      <span id={about} role={props.error ? "alert" : undefined} className="text-bad">
        {props.error && `${props.line ? `Line ${props.line}: ` : ""}${props.error}`}
      </span>
    </div>
  );
}
