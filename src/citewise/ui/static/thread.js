// The conversation on the page, and what is shown before its first question.
import { fetchJson } from "./api.js";
import { iconButton, make, textButton } from "./dom.js";
import { t } from "./texts.js";
import { TurnView } from "./turn.js";

const NEAR = 120;
let suggested = null;

export class Thread {
  // `on` holds retry, edit and ask.
  constructor(on) {
    this.on = on;
    this.views = new Map();
    this.list = make("div", { className: "cw-turns" });
    this.element = make("div", { id: "cw-thread", tabIndex: -1, role: "region", "aria-label": t("conversation") }, this.list);
    this.latest = iconButton("down", t("to_latest"), () => this.toEnd(), { id: "cw-latest", hidden: true });
    this.element.addEventListener("scroll", () => this.noteScroll(), { passive: true });
  }

  show(conversation) {
    this.conversation = conversation;
    this.views.clear();
    this.list.replaceChildren();
    for (const turn of conversation.turns) this.add(turn);
    this.welcomeIfEmpty();
    this.markLast();
    this.toEnd();
  }

  add(turn) {
    this.list.querySelector(".cw-welcome")?.remove();
    const view = new TurnView(turn, this.conversation, this.on);
    this.views.set(turn.id, view);
    this.list.append(view.element);
    return view;
  }

  // A new question goes to the top of the window, with room below it: while the answer is written,
  // nothing has to be scrolled.
  begin(turn) {
    const view = this.add(turn);
    this.markLast();
    this.element.scrollTo({ top: view.element.offsetTop - this.list.offsetTop, behavior: "instant" });
  }

  dropFrom(turn) {
    let dropping = false;
    for (const [id, view] of [...this.views]) {
      dropping ||= id === turn.id;
      if (!dropping) continue;
      view.element.remove();
      this.views.delete(id);
    }
  }

  update(turn) {
    this.views.get(turn.id)?.update();
    this.noteScroll();
  }

  markLast() {
    const last = this.conversation.turns.at(-1)?.id;
    for (const [id, view] of this.views) view.setLast(id === last);
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.noteScroll();
  }

  // Room that is only kept free below the last answer is nothing to scroll to.
  noteScroll() {
    const last = this.list.lastElementChild?.lastElementChild;
    const below = last ? last.getBoundingClientRect().bottom - this.element.getBoundingClientRect().bottom : 0;
    this.latest.hidden = below < NEAR;
  }

  welcomeIfEmpty() {
    if (this.conversation.turns.length) return;
    const cards = make("div", { className: "cw-suggestions" });
    this.list.replaceChildren(make("section", { className: "cw-welcome" },
      make("h2", { textContent: t("welcome") }), make("p", { textContent: t("welcome_why") }),
      make("h3", { textContent: t("suggestions") }), cards));
    this.suggest(cards);
  }

  // The place is kept free until they are there.
  async suggest(cards) {
    cards.replaceChildren(...Array.from({ length: 4 }, () => make("span", { className: "cw-placeholder" })));
    try {
      suggested ??= (await fetchJson("/api/suggestions")).questions;
    } catch {
      suggested = null;
    }
    const buttons = (suggested ?? []).map((question) =>
      textButton("next", question, () => this.on.ask(question), { className: "cw-button cw-suggestion" }));
    cards.replaceChildren(...buttons);
    cards.previousElementSibling.hidden = !buttons.length;
  }
}

document.addEventListener("citewise:documents", () => { suggested = null; });
