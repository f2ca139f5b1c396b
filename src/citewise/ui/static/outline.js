// Above the text of a source: its pages and headings, each a way to its place in the text.
import { fetchJson } from "./api.js";
import { make } from "./dom.js";
import { addSourceTool } from "./extend.js";
import { openPassages } from "./source.js";
import { said, t } from "./texts.js";

let opened = false; // stays open from one place of the outline to the next
let held = { document: "", outline: null };

addSourceTool((source) => {
  const list = make("div", { className: "cw-outline-list" });
  const details = make("details", { className: "cw-outline", open: opened },
    make("summary", { textContent: t("outline") }), list);
  details.addEventListener("toggle", () => {
    opened = details.open;
    if (details.open) fill(list, source);
  });
  return details;
});

async function fill(list, source) {
  if (list.children.length) return;
  try {
    if (held.document !== source.document) {
      held = { document: source.document, outline: await fetchJson(`/api/outline?document=${encodeURIComponent(source.document)}`) };
    }
    draw(list, held.outline, source);
  } catch (error) {
    held = { document: "", outline: null };
    list.replaceChildren(make("p", { className: "cw-problem", textContent: said(error.message) }));
  }
}

function draw(list, { title, pages, headings, clipped }, source) {
  const entry = (item, text, here, properties) => make("li", properties, make("button", {
    type: "button", dir: "auto", textContent: text, "aria-current": here ? "true" : null,
    onclick: (event) => openPassages([{ ...item, title }], 0, event.currentTarget),
  }));
  const parts = [];
  if (pages.length) {
    parts.push(make("ol", { className: "cw-pages", "aria-label": t("pages") },
      ...pages.map((page) => entry(page, t("page", { page: page.page }), page.page === source.page))));
  }
  if (headings.length) {
    parts.push(make("ul", { className: "cw-headings", "aria-label": t("headings") },
      ...headings.map((heading) => entry(heading, heading.title, heading.title === source.heading, { "data-level": heading.level }))));
  }
  if (!parts.length) parts.push(make("p", { className: "cw-hint", textContent: t("no_outline") }));
  if (clipped) parts.push(make("p", { className: "cw-hint", textContent: t("outline_clipped") }));
  list.replaceChildren(...parts);
}
