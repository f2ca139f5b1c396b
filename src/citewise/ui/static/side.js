// The column beside the conversation: a tab for the source, a tab for the documents, and others'.
import { tabs } from "./extend.js";
import { iconButton, make, narrow } from "./dom.js";
import { t } from "./texts.js";

let opener = null; // what had the focus before the column was opened over the page
let chosen = "documents";
let root = null;
const panels = new Map();

export function buildSide() {
  const list = make("div", { role: "tablist", "aria-label": t("side"), id: "cw-tabs" });
  root = make("aside", { id: "cw-side", "aria-label": t("side") },
    make("div", { id: "cw-side-top" }, list, iconButton("close", t("close"), closeSide, { id: "cw-side-close" })));
  panels.clear();
  for (const tab of tabs) {
    const button = make("button", {
      type: "button", role: "tab", id: `cw-tab-${tab.id}`, "aria-controls": `cw-panel-${tab.id}`,
      textContent: tab.title(), onclick: () => choose(tab.id),
    });
    const panel = make("div", { role: "tabpanel", id: `cw-panel-${tab.id}`, "aria-labelledby": `cw-tab-${tab.id}`, className: "cw-panel" });
    list.append(button);
    root.append(panel);
    panels.set(tab.id, { tab, button, panel });
    tab.build(panel);
  }
  list.addEventListener("keydown", moveAmongTabs);
  choose(panels.has(chosen) ? chosen : tabs[0]?.id);
  return root;
}

export function choose(id) {
  chosen = id;
  for (const [name, { tab, button, panel }] of panels) {
    const on = name === id;
    button.setAttribute("aria-selected", on);
    button.tabIndex = on ? 0 : -1;
    panel.hidden = !on;
    if (on) tab.shown?.(panel);
  }
}

function moveAmongTabs(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const names = [...panels.keys()];
  const next = names[(names.indexOf(chosen) + step + names.length) % names.length];
  choose(next);
  panels.get(next).button.focus();
}

// `from` gets the focus back when the column closes.
export function openSide(id, from = null) {
  if (from) opener = from;
  setOpen(true);
  choose(id);
}

// Over a narrow page the column covers all else, which must not take the focus then.
function setOpen(open) {
  document.getElementById("citewise").dataset.side = open ? "open" : "closed";
  document.getElementById("cw-main").inert = open && narrow();
}

addEventListener("resize", () => { if (root?.isConnected) setOpen(isSideOpen()); });

export const isSideOpen = () => document.getElementById("citewise").dataset.side === "open";

export function closeSide() {
  setOpen(false);
  document.dispatchEvent(new CustomEvent("citewise:side-closed"));
  const back = opener?.isConnected ? opener : document.querySelector("#cw-question");
  if (back !== document.querySelector("#cw-question") || !narrow()) back?.focus();
  opener = null;
}

export function toggleSide(from) {
  if (isSideOpen()) closeSide();
  else openSide(chosen, from);
}
