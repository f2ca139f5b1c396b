// An answer as text to paste, its citations as footnotes in the exact words.
import { announce, make } from "./dom.js";
import { placeText } from "./popover.js";
import { t } from "./texts.js";

export function answerText({ answer }) {
  const quotes = answer.citations.map((c) => `[${c.number}] ${placeText(c)}: “${c.quote.replace(/\s+/g, " ").trim()}”`);
  if (answer.status === "not_found") return [t("not_found"), answer.text].filter(Boolean).join(" ");
  if (answer.status === "quoted") return [t("quoted"), "", ...quotes].join("\n");
  const sentences = answer.sentences.map((s) => {
    const numbers = s.citations.map((n) => ` [${n}]`).join("");
    return s.text + numbers + (s.label === "supported" ? "" : ` (${t(`verdict_${s.label}`)})`);
  });
  return [sentences.join(" ") || answer.text, "", ...quotes].join("\n").trim();
}

export async function copyAnswer(turn) {
  const text = answerText(turn);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyOldWay(text); // the clipboard is closed to pages that are not served from this machine
  }
  toast(t("copied"));
}

function copyOldWay(text) {
  const box = make("textarea", { value: text, className: "cw-offscreen" });
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

// A short message at the bottom, with at most one thing to do about it.
export function toast(text, action = null) {
  document.getElementById("cw-toast")?.remove();
  const shown = make("div", { id: "cw-toast" }, make("span", { textContent: text }));
  if (action) {
    shown.append(make("button", { type: "button", textContent: action.label, onclick: () => { shown.remove(); action.run(); } }));
  }
  document.getElementById("citewise").append(shown);
  announce(text);
  setTimeout(() => shown.remove(), action ? 8000 : 2500);
}
