/** How things are shown in this browser: light or dark, and how times are told. */
import { type ReactNode, useState } from "react";

import { choose, chosenTheme, THEMES } from "../lib/theme";
import { allZones, browserZone, chooseTimes, useTimeSettings } from "../lib/time-settings";
import { Popover } from "./overlays";

export function Display() {
  return (
    <Popover name="Display" label="Display">
      <div className="flex w-64 flex-col gap-3">
        <Theme />
        <Times />
      </div>
    </Popover>
  );
}

function Theme() {
  const [theme, setTheme] = useState(chosenTheme);
  return (
    <Choice
      legend="Theme"
      choices={THEMES.map((each) => [each, each])}
      chosen={theme}
      choose={(next) => {
        choose(next);
        setTheme(next);
      }}
    />
  );
}

function Times() {
  const { zone, format } = useTimeSettings();
  return (
    <>
      <Choice
        legend="Times"
        choices={[
          ["relative", "3 min ago"],
          ["absolute", "2026-01-31 09:00:00"],
        ]}
        chosen={format}
        choose={(next) => chooseTimes({ format: next })}
      />
      <label className="flex flex-col gap-1">
        <span className="text-xs font-medium text-faint">Time zone</span>
        <select
          value={zone}
          onChange={(event) => chooseTimes({ zone: event.target.value })}
          className="rounded border border-line bg-surface px-2 py-1"
        >
          <option value="">the browser's ({browserZone()})</option>
          {allZones(zone).map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </label>
    </>
  );
}

function Choice<T extends string>(props: {
  legend: string;
  choices: (readonly [T, ReactNode])[];
  chosen: T;
  choose: (choice: T) => void;
}) {
  return (
    <fieldset className="flex flex-wrap gap-x-4 gap-y-1">
      <legend className="mb-1 text-xs font-medium text-faint">{props.legend}</legend>
      {props.choices.map(([choice, words]) => (
        <label key={choice} className="flex items-center gap-1.5">
          <input
            type="radio"
            name={props.legend}
            checked={choice === props.chosen}
            onChange={() => props.choose(choice)}
          />
          {words}
        </label>
      ))}
    </fieldset>
  );
}
