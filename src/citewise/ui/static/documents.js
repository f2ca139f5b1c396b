// The tab that lists what is searched; a name opens its document.
import { fetchJson } from "./api.js";
import { icon, make } from "./dom.js";
import { openPassages } from "./source.js";
import { t } from "./texts.js";

let container = null;

export const documentsTab = {
  id: "documents",
  title: () => t("documents"),
  build(panel) {
    container = panel;
    list();
  },
};

async function list() {
  const panel = container;
  try {
    const { total, documents } = await fetchJson("/api/documents");
    panel.replaceChildren(make("h2", { textContent: t("searched", { count: total }) }),
      make("ul", { className: "cw-documents" }, ...documents.map((d) => entry(d, documents)),
        total > documents.length ? make("li", { textContent: t("and_more", { count: total - documents.length }) }) : null));
  } catch (error) {
    panel.replaceChildren(make("p", { className: "cw-problem", textContent: error.message }));
  }
}

function entry(document, all) {
  const button = make("button", {
    type: "button", className: "cw-document",
    onclick: () => openPassages([document], 0, button),
  }, icon("document"), make("span", { textContent: document.title, dir: "auto" }));
  return make("li", {}, button);
}

document.addEventListener("citewise:documents", () => { if (container) list(); });
