/** Instants, as somebody chose to have them told; the other way on hovering. */
import { useEffect, useState } from "react";

import { absolute, relative, stamp } from "../lib/time";
import { useTimeSettings } from "../lib/time-settings";
import { Tip } from "./overlays";

export function When({ at }: { at?: string | null }) {
  const now = useNow();
  const { format } = useTimeSettings();
  if (!at) return <span className="text-faint">–</span>;
  const away = relative(at, now);
  return (
    <Tip text={`${absolute(at)}, ${away}`}>
      <time dateTime={at} className="whitespace-nowrap">
        {format === "absolute" ? stamp(at) : away}
      </time>
    </Tip>
  );
}

export function useNow(everyMs = 5_000): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
