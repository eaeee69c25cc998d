/** Runs by state over time, as stacked bars. */
import type { Bar } from "../lib/history";
import { lookOf } from "../lib/states";
import { absolute } from "../lib/time";

/** `unit` is what one bar stands for: hour, day. */
export function Bars({ bars, unit }: { bars: Bar[]; unit: string }) {
  const most = Math.max(1, ...bars.map((bar) => bar.total));
  return (
    <svg
      role="img"
      aria-label={`Runs in each of ${bars.length} ${unit}s, ${most} at most.`}
      viewBox={`0 0 ${bars.length * 10} 60`}
      preserveAspectRatio="none"
      className="h-24 w-full"
    >
      {bars.map((bar, column) => {
        let top = 60;
        return bar.parts.map((part) => {
          const height = (part.count / most) * 58;
          top -= height;
          return (
            <rect key={`${bar.at} ${part.type}`} x={column * 10 + 1} y={top} width={8} height={height} fill={`var(--${lookOf(part.type).tone})`}>
              <title>{`${absolute(bar.at)}: ${part.count} ${part.type.toLowerCase()}`}</title>
            </rect>
          );
        });
      })}
    </svg>
  );
}
