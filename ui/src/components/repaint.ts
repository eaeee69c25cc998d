/** What is painted with colours of the theme is painted anew when that changes, or its size. */
import { type RefObject, useEffect, useRef } from "react";

export function useRepaint(box: RefObject<HTMLElement | null>, paint: () => void): void {
  const latest = useRef(paint);
  latest.current = paint;
  useEffect(() => {
    const again = () => latest.current();
    const resized = new ResizeObserver(again);
    if (box.current) resized.observe(box.current);
    const themed = new MutationObserver(again);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      resized.disconnect();
      themed.disconnect();
    };
  }, [box]);
}

/** A colour of the theme by its name: `ink`, `busy`. */
export function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
}
