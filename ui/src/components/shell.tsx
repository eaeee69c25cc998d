/** What is around every screen: where one can go, whether the page is live, light and dark. */
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { signOut } from "../api/client";
import { type Connection, listen } from "../api/live";
import { PLACES } from "../lib/places";
import { choose, chosenTheme, THEMES } from "../lib/theme";
import { Keys } from "./keys";
import { Palette } from "./palette";

export function Shell() {
  const connection = useLive();
  const navigate = useNavigate();
  const leave = async () => {
    await signOut().catch(() => undefined);
    await navigate({ to: "/sign-in" });
  };
  return (
    <div className="mx-auto max-w-7xl px-4">
      <a href="#content" className="sr-only focus:not-sr-only">
        Skip to the content
      </a>
      <header className="flex flex-wrap items-center gap-6 border-b border-line py-3">
        <Link to="/runs" className="text-base font-semibold text-ink">
          Runwright
        </Link>
        <nav aria-label="Screens" className="flex gap-4">
          {PLACES.map((place) => (
            <Link
              key={place.to}
              to={place.to}
              title={`g ${place.key}`}
              activeProps={{ "aria-current": "page", className: "font-semibold" }}
            >
              {place.name}
            </Link>
          ))}
        </nav>
        <span className="ml-auto flex items-center gap-4 text-faint">
          <span role="status">{connection === "live" ? "● live" : "○ the server is away"}</span>
          <kbd title="Go to a run, a deployment or a screen">Ctrl K</kbd>
          <ThemeButton />
          <button type="button" className="cursor-pointer text-link" onClick={leave}>
            Sign out
          </button>
        </span>
      </header>
      <Palette />
      <Keys />
      <main id="content" className="py-4">
        <Outlet />
      </main>
    </div>
  );
}

function useLive(): Connection {
  const queries = useQueryClient();
  const [connection, setConnection] = useState<Connection>("live");
  useEffect(() => listen(queries, setConnection), [queries]);
  return connection;
}

function ThemeButton() {
  const [theme, setTheme] = useState(chosenTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  const change = () => {
    choose(next);
    setTheme(next);
  };
  return (
    <button type="button" className="cursor-pointer text-link" onClick={change}>
      Theme: {theme}
    </button>
  );
}
