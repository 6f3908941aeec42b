// The theme: what the system prefers unless the person chose; the choice is kept in this browser.

const KEY = "retrace-theme";
export const THEMES = ["system", "light", "dark"];

export function readTheme() {
  try {
    const kept = localStorage.getItem(KEY);
    return THEMES.includes(kept) ? kept : "system";
  } catch {
    return "system"; // storage may be forbidden; the page works without
  }
}

export function applyTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // as above
  }
}

/** "light" or "dark": what is seen now. */
export function shownTheme(theme) {
  if (theme !== "system") return theme;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
