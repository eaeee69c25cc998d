/** What opens beside something: a box of filters, a menu of actions, a word on hovering. */
import { DropdownMenu, Popover as Radix, Tooltip } from "radix-ui";
import { type ReactNode, useRef } from "react";

import { landmark } from "./dialogs";

const FLOATING = "z-50 rounded border border-line bg-surface text-ink shadow-lg";
const GAP = 4;
const EDGE = 8;

/** Opened by a button that says what is chosen. */
export function Popover({ name, label, children }: { name: string; label: ReactNode; children: ReactNode }) {
  return (
    <Radix.Root>
      <Radix.Trigger className="group flex max-w-full cursor-pointer items-center gap-1.5 rounded border border-line bg-surface px-2 py-1 text-left hover:bg-raised">
        {label}
        <Arrow />
      </Radix.Trigger>
      <Radix.Portal container={landmark()}>
        <Radix.Content
          aria-label={name}
          align="start"
          sideOffset={GAP}
          collisionPadding={EDGE}
          className={`${FLOATING} max-h-(--radix-popover-content-available-height) max-w-[calc(100vw-1rem)] overflow-auto p-3`}
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export interface MenuItem {
  label: ReactNode;
  /** More about it, in small letters. */
  hint?: string;
  act: () => void;
  isDanger?: boolean;
  isDisabled?: boolean;
}

/** A menu of actions, in groups apart by lines. */
export function Menu({ label, groups }: { label: ReactNode; groups: MenuItem[][] }) {
  const shown = groups.filter((group) => group.length > 0);
  const trigger = useRef<HTMLButtonElement>(null);
  const chosen = useRef<(() => void) | null>(null);
  // Only when the menu is gone: what it opens then gives the focus back to the button, not to nothing.
  const closed = (event: Event) => {
    const act = chosen.current;
    if (!act) return;
    chosen.current = null;
    event.preventDefault();
    trigger.current?.focus();
    act();
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger ref={trigger} className="flex cursor-pointer items-center gap-1.5 rounded border border-line bg-surface px-3 py-1 font-medium hover:bg-raised">
        {label}
        <Arrow />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal container={landmark()}>
        <DropdownMenu.Content
          onCloseAutoFocus={closed}
          align="end"
          sideOffset={GAP}
          collisionPadding={EDGE}
          className={`${FLOATING} min-w-48 max-w-[calc(100vw-1rem)] py-1`}
        >
          {shown.map((group, index) => (
            <DropdownMenu.Group key={index}>
              {index > 0 && <DropdownMenu.Separator className="my-1 border-t border-line" />}
              {group.map((item, at) => (
                <DropdownMenu.Item
                  key={at}
                  disabled={item.isDisabled}
                  onSelect={() => {
                    chosen.current = item.act;
                  }}
                  className={`flex cursor-pointer flex-col px-3 py-1 outline-none data-disabled:cursor-default data-disabled:text-faint data-highlighted:bg-raised data-highlighted:shadow-[inset_3px_0_0_var(--link)] ${item.isDanger ? "text-bad" : ""}`}
                >
                  {item.label}
                  {item.hint && <code className="max-w-lg truncate font-mono text-xs text-faint">{item.hint}</code>}
                </DropdownMenu.Item>
              ))}
            </DropdownMenu.Group>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function Arrow() {
  return (
    <span aria-hidden="true" className="text-xs text-faint">
      ▾
    </span>
  );
}

/** What is shown in short, in full on hovering or by the focus. Its child is one element. */
export function Tip({ text, children }: { text: ReactNode; children: ReactNode }) {
  if (!text) return children;
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal container={landmark()}>
        <Tooltip.Content
          sideOffset={GAP}
          collisionPadding={EDGE}
          className={`${FLOATING} max-w-md px-2 py-1 text-xs whitespace-pre-wrap wrap-anywhere`}
        >
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

export const Tips = Tooltip.Provider;

/** A text that is cut where there is no room; the whole of it on hovering. */
export function Cut({ text, className = "" }: { text?: string | null; className?: string }) {
  return (
    <Tip text={text}>
      <span className={`block max-w-full truncate ${className}`}>{text}</span>
    </Tip>
  );
}
