/** The screens that one can go to from everywhere. */
export const PLACES = [
  { to: "/dashboard", name: "Dashboard", key: "h" },
  { to: "/runs", name: "Runs", key: "r" },
  { to: "/deployments", name: "Deployments", key: "d" },
  { to: "/pools", name: "Work pools", key: "p" },
] as const;

export type Place = (typeof PLACES)[number];
