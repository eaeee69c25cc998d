/**
 * Keeps the page behind a dialog from scrolling, by a class.
 *
 * It stands in for react-remove-scroll, which dialogs of Radix bring along (vite.config.ts): that one
 * writes a style element into the page, which the page's policy refuses.
 */
import { type ElementType, type ReactNode, type Ref, useEffect } from "react";

const LOCKED = "overflow-hidden";
let locks = 0;

interface Props {
  as?: ElementType;
  children?: ReactNode;
  ref?: Ref<HTMLElement>;
  [rest: string]: unknown;
}

export function RemoveScroll({ as: Element = "div", allowPinchZoom: _, shards: __, ...rest }: Props) {
  useEffect(() => {
    locks += 1;
    document.body.classList.add(LOCKED);
    return () => {
      locks -= 1;
      if (locks === 0) document.body.classList.remove(LOCKED);
    };
  }, []);
  return <Element {...rest} />;
}
