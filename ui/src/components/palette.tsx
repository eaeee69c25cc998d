/** Ctrl-K or Cmd-K: go anywhere by typing a part of its name. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useState } from "react";

import * as ask from "../api/queries";
import { type Place, PLACES } from "../lib/places";
import { StateBadge } from "./basics";
import { Dialog } from "./dialogs";

const MOST = 8;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface Choice {
  id: string;
  label: string;
  kind: string;
  go: () => void;
  run?: Parameters<typeof StateBadge>[0];
}

export function Palette() {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: globalThis.KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  const trigger = (
    <button
      type="button"
      aria-label="Go to a run, a deployment or a screen (Ctrl K)"
      className="flex cursor-pointer items-center gap-2 rounded border border-line bg-surface px-2 py-1 hover:bg-raised"
    >
      <span className="max-md:hidden">Go to</span>
      <kbd className="text-xs">Ctrl K</kbd>
    </button>
  );
  return (
    <Dialog title="Go to" isBare isOpen={isOpen} change={setOpen} trigger={trigger}>
      <Search close={() => setOpen(false)} />
    </Dialog>
  );
}

function Search({ close }: { close: () => void }) {
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const choices = useChoices(words.trim());
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setAt(Math.max(0, Math.min(choices.length - 1, at + step)));
    } else if (event.key === "Enter") {
      choices[at]?.go();
      close();
    }
  };
  return (
    <>
      <input
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls="choices"
        aria-activedescendant={choices[at] && `choice-${choices[at].id}`}
        placeholder="A run, a deployment, a screen"
        autoFocus
        value={words}
        onChange={(event) => {
          setWords(event.target.value);
          setAt(0);
        }}
        onKeyDown={press}
        className="w-full rounded border border-line bg-surface px-2 py-1"
      />
      {choices.length === 0 && <p className="text-faint">Nothing has “{words.trim()}” in its name. A run is found by its name, or by its whole id.</p>}
      <ul id="choices" role="listbox" aria-label="Choices" className="-mt-2 flex flex-col">
        {choices.map((choice, index) => (
          <li
            key={choice.id}
            id={`choice-${choice.id}`}
            role="option"
            aria-selected={index === at}
            onClick={() => {
              choice.go();
              close();
            }}
            className={`flex cursor-pointer gap-3 rounded px-2 py-1 ${index === at ? "bg-raised" : ""}`}
          >
            {choice.run && <StateBadge {...choice.run} />}
            <span>{choice.label}</span>
            <span className="ml-auto text-faint">{choice.kind}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function useChoices(words: string): Choice[] {
  const navigate = useNavigate();
  const deployments = useQuery(ask.deployments);
  const runs = useQuery({ ...ask.runs({ name: words }), enabled: words !== "", placeholderData: keepPreviousData });
  const fits = (name: string) => name.toLowerCase().includes(words.toLowerCase());
  const screens = PLACES.filter((place) => fits(place.name)).map((place: Place) => ({
    id: place.key,
    label: place.name,
    kind: "screen",
    go: () => void navigate({ to: place.to }),
  }));
  const deployed = (deployments.data ?? [])
    .filter((each) => words !== "" && fits(each.name))
    .map((each) => ({
      id: each.id,
      label: each.name,
      kind: "deployment",
      go: () => void navigate({ to: "/runs", search: { deployment: each.name } }),
    }));
  const found = words === "" ? [] : (runs.data ?? []);
  const run = found.map((each) => ({
    id: each.id,
    label: each.name,
    kind: "run",
    run: { type: each.state_type, name: each.state_name },
    go: () => void navigate({ to: "/runs/$id", params: { id: each.id } }),
  }));
  const byId = ID.test(words)
    ? [{ id: words, label: words, kind: "run", go: () => void navigate({ to: "/runs/$id", params: { id: words } }) }]
    : [];
  return [...byId, ...screens, ...deployed, ...run].slice(0, MOST);
}
