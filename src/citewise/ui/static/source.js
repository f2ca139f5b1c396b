// The source: a whole document, scrolled to the cited words, and the way through an answer's citations.
import { fetchJson } from "./api.js";
import { sourceTools } from "./extend.js";
import { announce, iconButton, make } from "./dom.js";
import { hide } from "./popover.js";
import { openSide } from "./side.js";
import { t } from "./texts.js";

let container = null;
let passages = [];
let at = 0;
let wanted = 0; // the latest request; a slower, older one must not win

export const sourceTab = {
  id: "source",
  title: () => t("source"),
  build(panel) {
    container = panel;
    if (passages.length) openPassages(passages, at, null, { quiet: true });
    else panel.replaceChildren(make("p", { className: "cw-hint", textContent: t("source_hint") }));
  },
};

// Opens one of `all`, which are gone through by "next" and "previous".
export async function openPassages(all, index, from, { quiet = false } = {}) {
  passages = all.filter((passage) => passage.source);
  at = Math.max(0, passages.indexOf(all[index]));
  const passage = passages[at];
  if (!passage) return;
  hide();
  if (!quiet) openSide("source", from);
  markCurrent(passage.source);
  const request = ++wanted;
  try {
    const source = await fetchJson(`/api/source/${encodeURIComponent(passage.source)}`);
    if (request === wanted) draw(source, quiet);
  } catch (error) {
    if (request === wanted) draw({ title: passage.title, heading: "", page: null, problem: error.message }, quiet);
  }
}

const step = (by) => openPassages(passages, (at + by + passages.length) % passages.length, null);

function draw(source, quiet) {
  const title = make("h2", { id: "cw-source-title", textContent: source.title, tabIndex: -1, dir: "auto" });
  const head = make("header", {}, title, passages.length > 1 ? stepper() : null);
  const place = [source.heading, source.page ? t("page", { page: source.page }) : ""].filter(Boolean).join(" › ");
  const notes = [source.invisible ? t("invisible") : "", source.clipped ? t("clipped") : ""].filter(Boolean);
  const text = source.problem
    ? make("p", { className: "cw-problem", role: "alert", textContent: source.problem })
    : sourceText(source);
  const tools = source.problem ? [] : sourceTools.map((tool) => tool(source, text)).filter(Boolean);
  container.replaceChildren(make("section", { id: "cw-source", "aria-labelledby": "cw-source-title" },
    head,
    place ? make("p", { className: "cw-place", textContent: place, dir: "auto" }) : null,
    ...notes.map((note) => make("p", { className: "cw-place", textContent: note })),
    ...tools, text));
  scrollToMark(text);
  if (quiet) return;
  // The title takes the focus, so that a screen reader starts there and Esc leads back.
  if (!container.contains(document.activeElement)) title.focus({ preventScroll: true });
  announce(source.problem ?? (source.quote ? t("opened", { title: source.title, quote: source.quote.slice(0, 200) }) : source.title));
}

function stepper() {
  const previous = iconButton("previous", t("previous_citation"), () => stepTo(-1), { id: "cw-previous" });
  const next = iconButton("next", t("next_citation"), () => stepTo(1), { id: "cw-next" });
  const position = make("span", { className: "cw-position", textContent: t("position", { at: at + 1, total: passages.length }) });
  return make("div", { className: "cw-stepper", role: "group", "aria-label": t("citations") }, previous, position, next);
}

// The stepper is drawn anew, so the button that was pressed takes the focus again.
async function stepTo(by) {
  await step(by);
  document.getElementById(by > 0 ? "cw-next" : "cw-previous")?.focus();
}

// The text is the document's, character for character; headings and tables are only set differently.
function sourceText(source) {
  const text = make("div", { className: "cw-text", tabIndex: 0, role: "region", dir: "auto" });
  text.setAttribute("aria-label", t("text_of", { title: source.title }));
  text.append(...lines(source.before));
  if (source.quote) {
    text.append(make("mark", { textContent: source.quote, className: source.quote.trimStart().startsWith("|") ? "cw-table-line" : "" }));
  }
  text.append(...lines(source.after));
  return text;
}

const SET = [[/^\s*\|/, "cw-table-line"], [/^#{1,6}\s/, "cw-heading-line"]];

function lines(text) {
  const pieces = [];
  let plain = "";
  for (const line of text.match(/[^\n]*\n|[^\n]+/g) ?? []) {
    const name = SET.find(([pattern]) => pattern.test(line))?.[1];
    if (!name) {
      plain += line;
      continue;
    }
    if (plain) pieces.push(plain);
    plain = "";
    pieces.push(make("span", { className: name, textContent: line }));
  }
  if (plain) pieces.push(plain);
  return pieces;
}

function scrollToMark(text) {
  const mark = text.querySelector("mark");
  if (!mark) return;
  const above = mark.getBoundingClientRect().top - text.getBoundingClientRect().top;
  text.scrollTop += above - text.clientHeight / 3;
}

export function markCurrent(source) {
  for (const link of document.querySelectorAll("#cw-thread .cw-cite[href]")) {
    if (source && link.getAttribute("href") === `#cite-${source}`) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("citewise:side-closed", () => markCurrent(null));

document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step || !event.altKey || passages.length < 2 || !container?.isConnected || container.hidden) return;
  event.preventDefault();
  stepTo(step);
});
