/** Everything by keys: `g` and a letter go to a screen, `j` and `k` through rows, `?` tells of all. */
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { PLACES } from "../lib/places";
import { beside } from "../lib/rows";
import { Dialog } from "./dialogs";

const KEYS: [string, string][] = [
  ["j, k", "the next row, the one before"],
  ["Enter", "open the row"],
  ["Ctrl K", "go to a run, a deployment or a screen by its name"],
  ["+, -, 0", "in a timeline: nearer, farther, all of it"],
  ["← →, ↑ ↓", "in a timeline: sideways, through its tasks; Enter opens one"],
  ["?", "these keys"],
  ["Tab, Shift Tab", "the next thing to press or to fill in, the one before"],
  ["Space, Enter", "press it; ↑ ↓ go through what it opens"],
  ["Esc", "close what is open"],
  ...PLACES.map((place): [string, string] => [`g ${place.key}`, place.name]),
];

/** The link by which each row of the tables on the screen is opened. */
function links(): HTMLElement[] {
  const rows = document.querySelectorAll("main tbody tr, main li");
  return [...rows].flatMap((row) => row.querySelector<HTMLElement>("a") ?? []);
}

function step(by: 1 | -1): void {
  const all = links();
  const at = all.findIndex((link) => link === document.activeElement);
  all[beside(all.length, at, by)]?.focus();
}

export function Keys() {
  const navigate = useNavigate();
  const [isHelping, setHelping] = useState(false);
  useEffect(() => {
    let isGoing = false;
    const press = (event: KeyboardEvent) => {
      const typed = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (typed || document.querySelector("[role=dialog], [role=alertdialog], [role=menu]")) return;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const place = PLACES.find((each) => each.key === event.key);
      if (isGoing && place) void navigate({ to: place.to });
      else if (event.key === "j") step(1);
      else if (event.key === "k") step(-1);
      else if (event.key === "?") setHelping(true);
      isGoing = event.key === "g";
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [navigate]);
  return (
    <Dialog title="Keys" isOpen={isHelping} change={setHelping}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-6 gap-y-1">
        {KEYS.map(([key, what]) => (
          <div key={key} className="contents">
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
