/** The small parts that every screen is made of. */
import { type ReactNode, useEffect } from "react";

export { Button, Command, Delete, TextField, useCopy } from "./controls";
export { Empty, Failure, Loading } from "./notices";
export { StateBadge, useIcon } from "./state-badge";
export { type Column, Table } from "./table";
export { useNow, When } from "./when";

/** The title of the tab says where one is, and how it stands. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Runwright`;
  }, [title]);
}

export function Card({ title, children }: { title?: ReactNode; children: ReactNode }) {
  return (
    <section className="rounded border border-line bg-raised p-4">
      {title && <h2 className="mb-2 text-sm font-semibold">{title}</h2>}
      {children}
    </section>
  );
}
