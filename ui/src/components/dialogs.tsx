/** What stands before the page until it is answered or closed: forms, and questions before harm is done. */
import { AlertDialog, Dialog as Radix } from "radix-ui";
import { type ReactNode, useRef, useState } from "react";

const SHADE = "fixed inset-0 z-40 bg-black/40";
const BOX =
  "fixed left-1/2 top-[12vh] z-50 flex max-h-[80vh] w-[calc(100vw-2rem)] -translate-x-1/2 flex-col gap-4 overflow-auto rounded-lg border border-line bg-surface p-5 text-ink shadow-xl outline-none";

export const BUTTON =
  "cursor-pointer rounded border border-line bg-surface px-3 py-1 font-medium hover:bg-raised disabled:cursor-default disabled:text-faint";

/** Where it is put: all that is on the page belongs to a landmark. */
export function landmark(): HTMLElement | null {
  return document.getElementById("content");
}

/** What had the focus gets it back, also where a key or a menu has opened the dialog. */
function useFocusBack() {
  const before = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: () => {
      before.current = document.activeElement;
    },
    onCloseAutoFocus: (event: Event) => {
      if (!(before.current instanceof HTMLElement) || !before.current.isConnected || before.current === document.body) return;
      event.preventDefault();
      before.current.focus();
    },
  };
}

export function Dialog(props: {
  title: string;
  /** The title is read out, not shown. */
  isBare?: boolean;
  /** Where it opens by itself in place of by `trigger`. */
  isOpen?: boolean;
  change?: (isOpen: boolean) => void;
  trigger?: ReactNode;
  isWide?: boolean;
  children: ReactNode;
}) {
  const focus = useFocusBack();
  return (
    <Radix.Root open={props.isOpen} onOpenChange={props.change}>
      {props.trigger && <Radix.Trigger asChild>{props.trigger}</Radix.Trigger>}
      <Radix.Portal container={landmark()}>
        <Radix.Overlay className={SHADE} />
        <Radix.Content {...focus} aria-describedby={undefined} className={`${BOX} ${props.isWide ? "max-w-2xl" : "max-w-xl"}`}>
          <Radix.Title className={props.isBare ? "sr-only" : "text-base font-semibold"}>{props.title}</Radix.Title>
          {props.children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** Asks before it acts. What is safe has the focus at first. */
export function Confirm(props: {
  title: string;
  /** What will happen. */
  says: ReactNode;
  yes: string;
  /** The whole name of the button where `yes` alone would be too little. */
  yesLabel?: string;
  no?: string;
  act: () => void;
  isDanger?: boolean;
  /** What opens it; without one, `isOpen` does. */
  trigger?: ReactNode;
  isOpen?: boolean;
  change?: (isOpen: boolean) => void;
}) {
  const [opened, setOpened] = useState(false);
  const focus = useFocusBack();
  return (
    <AlertDialog.Root open={props.isOpen ?? opened} onOpenChange={props.change ?? setOpened}>
      {props.trigger && <AlertDialog.Trigger asChild>{props.trigger}</AlertDialog.Trigger>}
      <AlertDialog.Portal container={landmark()}>
        <AlertDialog.Overlay className={SHADE} />
        <AlertDialog.Content {...focus} className={`${BOX} max-w-md`}>
          <AlertDialog.Title className="text-base font-semibold wrap-anywhere">{props.title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="flex flex-col gap-2 wrap-anywhere">{props.says}</div>
          </AlertDialog.Description>
          <div className="flex flex-wrap justify-end gap-2">
            <AlertDialog.Cancel className={BUTTON}>{props.no ?? "No"}</AlertDialog.Cancel>
            <AlertDialog.Action
              aria-label={props.yesLabel}
              onClick={props.act}
              className={`${BUTTON} ${props.isDanger ? "border-bad text-bad" : "border-link text-link"}`}
            >
              {props.yes}
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
