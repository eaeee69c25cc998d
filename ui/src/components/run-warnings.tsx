/** What will happen to runs, said before it does. */
import type { StateType } from "../api/client";

export function CancelSays({ state }: { state?: StateType | null }) {
  if (state === "SCHEDULED") return <p>It has not begun: it ends at once, and no further attempt is made.</p>;
  return (
    <>
      <p>
        Its process gets SIGTERM, so that it can put things in order and call its hooks. What is left of it is killed after the
        grace: 30 s, if the worker's RUNWRIGHT_CANCEL_GRACE says nothing else.
      </p>
      <p className="text-faint">What has not begun ends at once. No further attempt is made.</p>
    </>
  );
}

export function PauseSays() {
  return (
    <>
      <p>Its process is ended now, in the midst of whatever it does, and its slot is free for others.</p>
      <p>
        Resumed, a worker begins the run again from its first line, with the same parameters. What its tasks keep in a cache is not
        done twice.
      </p>
    </>
  );
}

export function DeleteSays({ running }: { running: number }) {
  return (
    <p>
      Task runs, states and logs go too, and cannot be brought back.
      {running > 0 && " A process that still runs is stopped."}
    </p>
  );
}
