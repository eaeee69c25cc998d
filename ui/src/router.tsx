/** The addresses of the screens. */
import { createRootRoute, createRoute, createRouter, Outlet, redirect } from "@tanstack/react-router";

import { base } from "./api/client";
import { Broken, NowhereKnown } from "./components/fallbacks";
import { Shell } from "./components/shell";
import { readSearch } from "./lib/search";
import { Automations } from "./screens/automations";
import { Dashboard } from "./screens/dashboard";
import { Deployment } from "./screens/deployment";
import { Deployments } from "./screens/deployments";
import { Events } from "./screens/events";
import { Flow } from "./screens/flow";
import { Flows } from "./screens/flows";
import { Limits } from "./screens/limits";
import { Pool } from "./screens/pool";
import { Pools } from "./screens/pools";
import { Run } from "./screens/run";
import { Runs } from "./screens/runs";
import { Settings } from "./screens/settings";
import { SignIn } from "./screens/sign-in";
import { TaskRunScreen } from "./screens/task-run";
import { Variables } from "./screens/variables";
import { Worker } from "./screens/worker";

const root = createRootRoute({ component: Outlet });

const start = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/runs" });
  },
});
const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
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
const taskRun = createRoute({ getParentRoute: () => app, path: "/task-runs/$id", component: TaskRunScreen });
const deployments = createRoute({ getParentRoute: () => app, path: "/deployments", component: Deployments });
const pools = createRoute({ getParentRoute: () => app, path: "/pools", component: Pools });
const flows = createRoute({ getParentRoute: () => app, path: "/flows", component: Flows });
const automations = createRoute({ getParentRoute: () => app, path: "/automations", component: Automations });
const events = createRoute({ getParentRoute: () => app, path: "/events", component: Events });
const variables = createRoute({ getParentRoute: () => app, path: "/variables", component: Variables });
const limits = createRoute({ getParentRoute: () => app, path: "/limits", component: Limits });
const settings = createRoute({ getParentRoute: () => app, path: "/settings", component: Settings });
const flow = createRoute({ getParentRoute: () => app, path: "/flows/$id", component: Flow });
const deployment = createRoute({ getParentRoute: () => app, path: "/deployments/$id", component: Deployment });
const pool = createRoute({ getParentRoute: () => app, path: "/pools/$name", component: Pool });
const worker = createRoute({ getParentRoute: () => app, path: "/pools/$name/workers/$id", component: Worker });
const screens = [
  dashboard, runs, run, taskRun, flows, flow, deployments, deployment, pools, pool, worker, automations, events, variables, limits,
  settings,
] as const;

export const router = createRouter({
  routeTree: root.addChildren([start, signIn, app.addChildren(screens)]),
  basepath: base || "/",
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: NowhereKnown,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
