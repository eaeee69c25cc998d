/** A limit that is shown, and changed in its place. */
import { type FormEvent, useState } from "react";

import { Button } from "./basics";
import { BOX } from "./places";

export function LimitField(props: { of: string; limit?: number | null; keep: (limit: number | null) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  if (typed === null)
    return (
      <span className="flex gap-2">
        {props.limit ?? "none"}
        <button
          type="button"
          className="cursor-pointer text-link"
          aria-label={`Change the limit of ${props.of}`}
          onClick={() => setTyped(props.limit == null ? "" : String(props.limit))}
        >
          Change
        </button>
      </span>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    props.keep(typed.trim() === "" ? null : Number(typed));
    setTyped(null);
  };
  return (
    <form onSubmit={submit} className="flex items-center gap-2">
      <input
        type="number"
        min={0}
        step={1}
        autoFocus
        placeholder="no limit"
        aria-label={`Limit of ${props.of}; empty: none`}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
        className={`${BOX} w-24`}
      />
      <Button type="submit">Keep</Button>
      <Button onClick={() => setTyped(null)}>Leave it</Button>
    </form>
  );
}
