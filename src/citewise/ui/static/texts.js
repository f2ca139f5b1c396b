// The page's texts in the language of the reader. All of them come from the server, in the page.
import { read, write } from "./settings.js";

const table = JSON.parse(document.getElementById("cw-texts").textContent);
export const sections = table.sections;
export const languages = Object.entries(table.languages).map(([code, texts]) => [code, texts.language_name]);

const FALLBACK = "en";
let chosen = fitting([read("language"), ...navigator.languages]);

function fitting(wanted) {
  for (const code of wanted) {
    if (!code) continue;
    if (table.languages[code]) return code;
    // zh, zh-CN and zh-TW all read the one Chinese table there is.
    const same = Object.keys(table.languages).find((known) => known.split("-")[0] === code.split("-")[0]);
    if (same) return same;
  }
  return FALLBACK;
}

export const language = () => chosen;

export function setLanguage(code) {
  chosen = fitting([code]);
  write("language", chosen);
  document.documentElement.lang = chosen;
}

export function t(key, values = {}) {
  const text = table.languages[chosen][key] ?? table.languages[FALLBACK][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// The text for a count: "key_one" for 1, where the language tells it apart.
export const count = (key, n) => t(n === 1 ? `${key}_one` : key, { count: n });

// What the server says comes in English; the table of the language may know it by a pattern.
export function said(message) {
  for (const [pattern, text] of table.languages[chosen].said ?? []) {
    const match = new RegExp(`^${pattern}$`, "u").exec(message);
    if (match) return text.replace(/\{(\d)\}/g, (_, n) => match[n] ?? "");
  }
  return message;
}
