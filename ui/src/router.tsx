/** The addresses of the screens. */
import { createRootRoute, createRoute, createRouter, Outlet, redirect } from "@tanstack/react-router";

import { base } from "./api/client";
import { Shell } from "./components/shell";
import { readSearch } from "./lib/search";
import { Dashboard } from "./screens/dashboard";
import { Deployments } from "./screens/deployments";
import { Pools } from "./screens/pools";
import { Run } from "./screens/run";
import { Runs } from "./screens/runs";
import { SignIn } from "./screens/sign-in";

const root = createRootRoute({ component: Outlet });

const tokenIn = (raw: Record<string, unknown>) =>
  typeof raw["token"] === "string" ? { token: raw["token"] } : {};

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: tokenIn,
  beforeLoad: ({ search }) => {
    // The one-time link leads here.
    throw search.token ? redirect({ to: "/sign-in", search }) : redirect({ to: "/runs" });
  },
});
const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: tokenIn,
  component: SignIn,
});
const app = createRoute({ getParentRoute: () => root, id: "app", component: Shell });
const dashboard = createRoute({ getParentRoute: () => app, path: "/dashboard", component: Dashboard });
const runs = createRoute({
  getParentRoute: () => app,
  path: "/runs",
  validateSearch: readSearch,
  component: Runs,
});
const run = createRoute({ getParentRoute: () => app, path: "/runs/$id", component: Run });
const deployments = createRoute({ getParentRoute: () => app, path: "/deployments", component: Deployments });
const pools = createRoute({ getParentRoute: () => app, path: "/pools", component: Pools });

export const router = createRouter({
  routeTree: root.addChildren([start, signIn, app.addChildren([dashboard, runs, run, deployments, pools])]),
  basepath: base || "/",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
