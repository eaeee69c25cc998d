/** What stands in place of what was asked for: nothing yet, nothing at all, or a failure. */
import type { ReactNode } from "react";

import { Refusal } from "../api/client";
import { Button, Command } from "./controls";

export function Empty({ children, command }: { children: ReactNode; command?: string }) {
  return (
    <div className="flex flex-col items-start gap-3 rounded border border-dashed border-line p-6 text-faint">
      <p>{children}</p>
      {command && <Command text={command} />}
    </div>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const what = error instanceof Refusal && error.status === 403 ? "Not allowed" : "That failed";
  return (
    <div role="alert" className="flex flex-col items-start gap-2 rounded border border-bad p-4">
      <p className="font-medium text-bad">{what}</p>
      <p>{error.message}</p>
      {retry && <Button onClick={retry}>Try again</Button>}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p role="status" className="p-4 text-faint">
      Loading {what} …
    </p>
  );
}
