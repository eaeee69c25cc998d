/** Instants and durations for people. */

const STEPS: [number, string][] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
];

/** `1.2 s`, `3 min 20 s`, `2 h 5 min`, `4 d 1 h`: two units at most. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  let rest = Math.round(seconds);
  const said: string[] = [];
  for (const [size, unit] of [...STEPS, [1, "s"] as [number, string]]) {
    const count = Math.floor(rest / size);
    if (count > 0 || said.length > 0) {
      if (count > 0) said.push(`${count} ${unit}`);
      rest -= count * size;
      if (said.length === 2 || (said.length === 1 && count === 0)) break;
    }
  }
  return said.join(" ");
}

/** `3 min ago`, `in 2 h`, `now`. */
export function relative(instant: string | Date, now: Date): string {
  const seconds = (new Date(instant).getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  const size = duration(Math.abs(seconds)).replace(/\.\d/, "").split(" ").slice(0, 2).join(" ");
  return seconds < 0 ? `${size} ago` : `in ${size}`;
}

/** The whole instant, in the zone of whoever looks. */
export function absolute(instant: string | Date): string {
  return new Date(instant).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
  });
}

export function clock(instant: string): string {
  const at = new Date(instant);
  const pad = (number: number, width = 2) => String(number).padStart(width, "0");
  return `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}.${pad(at.getMilliseconds(), 3)}`;
}
