// Where a question is written: Enter asks, Shift+Enter makes a new line, and one button stops.
import { icon, make } from "./dom.js";
import { t } from "./texts.js";

const LONGEST = 2000;
const WARN_FROM = 1800;
let box = null;
let button = null;
let counter = null;
let running = false;

// `on` holds ask(question) and stop().
export function buildComposer(on) {
  const kept = box?.value ?? "";
  box = make("textarea", {
    id: "cw-question", rows: 1, placeholder: t("placeholder"), "aria-label": t("question"), dir: "auto",
    autocomplete: "off", enterkeyhint: "send", value: kept, oninput: fit,
  });
  button = make("button", { type: "submit", id: "cw-send" });
  counter = make("p", { id: "cw-counter", className: "cw-hint", role: "status" });
  const submit = () => {
    if (running) return on.stop();
    const question = box.value.trim();
    if (!question || box.value.length > LONGEST) return box.focus();
    box.value = "";
    fit();
    on.ask(question);
  };
  box.addEventListener("keydown", (event) => {
    // While a word is being composed, Enter chooses its characters.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (!running) submit();
  });
  const form = make("form", { id: "cw-composer", onsubmit: (event) => { event.preventDefault(); submit(); } },
    make("div", { className: "cw-field" }, box, button), counter,
    make("p", { className: "cw-hint cw-fine", textContent: t("fine_print") }));
  setRunning(running);
  requestAnimationFrame(fit);
  return form;
}

export function setRunning(now) {
  running = now;
  if (!button) return;
  button.replaceChildren(icon(running ? "stop" : "send"));
  button.setAttribute("aria-label", t(running ? "stop" : "send"));
  button.title = t(running ? "stop" : "send");
  button.dataset.running = running;
}

export function focusQuestion() {
  box?.focus({ preventScroll: true });
}

function fit() {
  const length = box.value.length;
  counter.textContent = length > WARN_FROM ? t("characters", { length, most: LONGEST }) : "";
  counter.classList.toggle("cw-too-long", length > LONGEST);
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
}
