/** What is around every screen: where one can go, whether the page is live, how it is shown. */
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { signOut } from "../api/client";
import { type Connection, listen } from "../api/live";
import { PLACES } from "../lib/places";
import { clock } from "../lib/time";
import { useTimeSettings } from "../lib/time-settings";
import { Display } from "./display";
import { Keys } from "./keys";
import { Menu, Tips } from "./overlays";
import { Palette } from "./palette";

export function Shell() {
  const connection = useLive();
  const navigate = useNavigate();
  const { zone, format } = useTimeSettings();
  const leave = async () => {
    await signOut().catch(() => undefined);
    await navigate({ to: "/sign-in" });
  };
  return (
    <Tips delayDuration={300}>
      <div className="mx-auto max-w-7xl px-4">
        <a href="#content" className="sr-only focus:not-sr-only">
          Skip to the content
        </a>
        <header className="flex items-center gap-x-5 border-b border-line py-2.5">
          <Link to="/runs" className="text-base font-semibold text-ink">
            Runwright
          </Link>
          <Screens />
          <span className="ml-auto flex flex-none items-center gap-3 text-faint">
            <Live connection={connection} />
            <Palette />
            <Display />
            <button type="button" className="cursor-pointer text-link hover:underline" onClick={leave}>
              Sign out
            </button>
          </span>
        </header>
        {connection.since && <Away since={connection.since} />}
        <Keys />
        <main id="content" className="py-4">
          {/* Every time on the screen is told anew when somebody chooses another zone. */}
          <Outlet key={`${zone} ${format}`} />
        </main>
      </div>
    </Tips>
  );
}

/** All screens side by side where there is room, else in a menu. */
function Screens() {
  const navigate = useNavigate();
  const places = PLACES.map((place) => ({ label: place.name, act: () => void navigate({ to: place.to }) }));
  return (
    <>
      <nav aria-label="Screens" className="hidden flex-wrap gap-x-3.5 gap-y-1 xl:flex">
        {PLACES.map((place) => (
          <Link
            key={place.to}
            to={place.to}
            title={`g ${place.key}`}
            className="text-faint hover:text-ink"
            activeProps={{ "aria-current": "page", className: "font-semibold text-ink!" }}
          >
            {place.name}
          </Link>
        ))}
      </nav>
      <nav aria-label="Screens" className="xl:hidden">
        <Menu label="Screens" groups={[places]} />
      </nav>
    </>
  );
}

function Live({ connection }: { connection: Connection }) {
  return (
    <span role="status" className="whitespace-nowrap">
      {connection.since === null ? (
        <>
          <span aria-hidden="true" className="text-good">
            ●
          </span>{" "}
          live
        </>
      ) : (
        "○ the server is away"
      )}
    </span>
  );
}

function Away({ since }: { since: Date }) {
  return (
    <p role="alert" className="mt-3 rounded border border-warn px-3 py-2 text-warn">
      The server has not answered since {clock(since).slice(0, 8)}. What is shown is as it was then; the page goes on by itself
      when the server is back.
    </p>
  );
}

function useLive(): Connection {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>({ since: null });
  useEffect(() => listen(queries, setConnection), [queries]);
  return connection;
}
