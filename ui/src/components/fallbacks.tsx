/** What is shown in place of a screen that is not there, or that broke down. */
import { Link } from "@tanstack/react-router";

import { Button, Command } from "./controls";
import { Empty } from "./notices";

export function Broken({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <div role="alert" className="flex flex-col items-start gap-3 rounded border border-bad p-4">
      <h1 className="text-lg font-semibold">This screen broke down</h1>
      <p>That is a fault of the page. Your runs are not touched by it.</p>
      <Command text={String(error)} />
      <span className="flex gap-3">
        <Button onClick={reset}>Try again</Button>
        <Link to="/runs">To the runs</Link>
      </span>
    </div>
  );
}

export function NowhereKnown() {
  return (
    <main className="mx-auto flex max-w-7xl flex-col gap-4 p-4">
      <h1 className="text-lg font-semibold">There is no such screen</h1>
      <Empty>
        The address leads nowhere; it may be of an older version. <Link to="/dashboard">To the dashboard</Link>
      </Empty>
    </main>
  );
}
