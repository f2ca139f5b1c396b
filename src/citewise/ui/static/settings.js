// What a reader chose, kept in this browser. A browser that keeps nothing still works.
const PREFIX = "citewise.";

export function read(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function write(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
    return true;
  } catch {
    return false;
  }
}

const system = window.matchMedia("(prefers-color-scheme: dark)");
export const THEMES = ["auto", "light", "dark"];

export const theme = () => (THEMES.includes(read("theme")) ? read("theme") : "auto");

export function applyTheme() {
  const asked = new URLSearchParams(location.search).get("__theme");
  const chosen = theme() === "auto" && THEMES.includes(asked) ? asked : theme();
  const dark = chosen === "dark" || (chosen === "auto" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.body?.classList.toggle("dark", dark); // Gradio's own sign
}

export function setTheme(name) {
  write("theme", name);
  applyTheme();
}

system.addEventListener("change", applyTheme);
