/** A day and a time, typed in the zone in which all times are told. */
import { useId } from "react";

import { chosenZone } from "../lib/time-settings";

export function InstantField(props: { label: string; hint?: string; value: string; change: (text: string) => void }) {
  const id = useId();
  return (
    <div className="flex flex-wrap items-center gap-2">
      <label htmlFor={id} className="font-medium">
        {props.label}
      </label>
      <input
        id={id}
        type="datetime-local"
        value={props.value}
        aria-describedby={`${id}-zone`}
        onChange={(event) => props.change(event.target.value)}
        className="rounded border border-line bg-surface px-2 py-1"
      />
      <span id={`${id}-zone`} className="text-faint">
        {chosenZone()}
        {props.hint && `; ${props.hint}`}
      </span>
    </div>
  );
}
