/** Light or dark: as somebody chose here, else as their system is. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "theme";
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
  const kept = localStorage.getItem(KEPT);
  return THEMES.find((theme) => theme === kept) ?? "system";
}

export function choose(theme: Theme): void {
  localStorage.setItem(KEPT, theme);
  show();
}

/** Before anything is drawn, and whenever the system changes its mind. */
export function followTheme(): void {
  prefersDark.addEventListener("change", show);
  show();
}

function show(): void {
  const theme = chosenTheme();
  const isDark = theme === "dark" || (theme === "system" && prefersDark.matches);
  document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
}
