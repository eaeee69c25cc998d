/** The screens that one can go to from everywhere. */
export const PLACES = [
  { to: "/dashboard", name: "Dashboard", key: "h" },
  { to: "/runs", name: "Runs", key: "r" },
  { to: "/flows", name: "Flows", key: "f" },
  { to: "/deployments", name: "Deployments", key: "d" },
  { to: "/pools", name: "Work pools", key: "p" },
  { to: "/automations", name: "Automations", key: "a" },
  { to: "/events", name: "Events", key: "e" },
  { to: "/variables", name: "Variables", key: "v" },
  { to: "/limits", name: "Limits", key: "l" },
  { to: "/settings", name: "Settings", key: "s" },
] as const;

export type Place = (typeof PLACES)[number];
