// One small window beside what is hovered or focused: the cited words, or why a verdict is as it is.
import { clip, make } from "./dom.js";
import { t } from "./texts.js";

const QUOTE_LIMIT = 480;
const WAIT_MS = 120;
const GRACE_MS = 180;
let box = null;
let anchor = null;
let timer = 0;

// `content` makes the window's children when it is first wanted.
export function describe(element, content) {
  const soon = () => later(() => show(element, content), WAIT_MS);
  element.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") soon(); });
  element.addEventListener("pointerleave", () => later(hide, GRACE_MS));
  element.addEventListener("focus", () => { if (element.matches(":focus-visible")) show(element, content); });
  element.addEventListener("blur", () => { if (anchor === element) hide(); });
  return element;
}

export function show(element, content) {
  clearTimeout(timer);
  if (anchor === element || !element.isConnected) return;
  hide();
  anchor = element;
  box = make("div", { id: "cw-popover", role: "tooltip", dir: "auto" }, ...content());
  box.addEventListener("pointerenter", () => clearTimeout(timer));
  box.addEventListener("pointerleave", () => later(hide, GRACE_MS));
  document.getElementById("citewise").append(box);
  element.setAttribute("aria-describedby", "cw-popover");
  place();
}

export function hide() {
  clearTimeout(timer);
  anchor?.removeAttribute("aria-describedby");
  box?.remove();
  box = anchor = null;
}

export const isShown = () => box !== null;

function later(action, milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(action, milliseconds);
}

// Above what it belongs to where there is room, so that the line below stays readable.
function place() {
  const at = anchor.getClientRects()[0] ?? anchor.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), innerWidth - width - 8);
  const top = at.top - height - 8 >= 8 ? at.top - height - 8 : Math.min(at.bottom + 8, innerHeight - height - 8);
  box.style.left = `${left}px`;
  box.style.top = `${Math.max(8, top)}px`;
}

addEventListener("scroll", hide, { capture: true, passive: true });
addEventListener("resize", hide);

export function passageContent(passage) {
  return [
    make("p", { className: "cw-popover-place" }, ...placeParts(passage)),
    make("blockquote", { textContent: clip(passage.quote, QUOTE_LIMIT), className: passage.rendered ? "cw-row" : "" }),
    passage.rendered ? make("p", { className: "cw-reads" }, clip(passage.rendered, QUOTE_LIMIT)) : null,
    make("p", { className: "cw-popover-hint", textContent: t(passage.source ? "open_hint" : "source_gone") }),
  ].filter(Boolean);
}

export function placeParts(passage) {
  return [
    make("strong", { textContent: passage.title }),
    ...[passage.heading, passage.page ? t("page", { page: passage.page }) : ""].filter(Boolean).map((part) => ` › ${part}`),
  ];
}

export const placeText = (passage) =>
  [passage.title, passage.heading, passage.page ? t("page", { page: passage.page }) : ""].filter(Boolean).join(" › ");
