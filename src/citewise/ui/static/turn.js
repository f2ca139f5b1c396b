// One turn on the page: the question, what was found, the draft while it is written, the answer.
import { actions } from "./extend.js";
import { answerElements, citeLink } from "./answer.js";
import { copyAnswer } from "./copying.js";
import { clip, icon, iconButton, make, textButton } from "./dom.js";
import { describe, passageContent } from "./popover.js";
import { openPassages } from "./source.js";
import { count, said, t } from "./texts.js";

const TOP = 3;

export class TurnView {
  // `on` holds what a reader can do with a turn: retry, edit, ask.
  constructor(turn, conversation, on) {
    Object.assign(this, { turn, conversation, on, drawn: {} });
    this.question = make("div", { className: "cw-question" });
    this.found = make("div", { className: "cw-found" });
    this.body = make("div", { className: "cw-body" });
    this.foot = make("div", { className: "cw-foot" });
    this.element = make("article", { className: "cw-turn", "aria-label": clip(turn.question, 120) },
      this.question, this.found, this.body, this.foot);
    this.drawQuestion();
    this.update();
  }

  update() {
    const { turn, element } = this;
    element.dataset.state = turn.state;
    element.setAttribute("aria-busy", turn.state === "asking");
    this.once("found", turn.evidence, () => this.found.replaceChildren(...foundElements(turn)));
    if (turn.state === "asking") this.drawDraft();
    else this.once("body", turn.state, () => this.body.replaceChildren(...this.finished()));
    this.once("foot", `${turn.state} ${turn.followups.length} ${this.last}`, () => this.drawFoot());
  }

  // Draws a part again only when what it shows has changed, so that nothing flickers or loses focus.
  once(part, key, draw) {
    if (this.drawn[part] === key) return;
    this.drawn[part] = key;
    draw();
  }

  setLast(last) {
    this.last = last;
    this.element.classList.toggle("cw-last", last);
    this.update();
  }

  drawQuestion() {
    const heading = make("h2", { textContent: this.turn.question, dir: "auto" });
    const edit = iconButton("edit", t("edit"), () => this.editQuestion());
    this.question.replaceChildren(heading, edit);
  }

  editQuestion() {
    const box = make("textarea", { value: this.turn.question, rows: 2, maxLength: 2000, "aria-label": t("edit"), dir: "auto" });
    const send = () => { if (box.value.trim()) this.on.edit(this.turn, box.value.trim()); };
    const cancel = () => {
      this.drawQuestion();
      this.question.querySelector("button").focus();
    };
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
      if (event.key === "Escape") { event.stopPropagation(); cancel(); }
    });
    const note = this.last ? null : make("p", { className: "cw-hint", textContent: t("edit_note") });
    this.question.replaceChildren(make("div", { className: "cw-editing" }, box, note,
      make("div", { className: "cw-row-of-buttons" },
        make("button", { type: "button", className: "cw-button cw-primary", textContent: t("resend"), onclick: send }),
        make("button", { type: "button", className: "cw-button", textContent: t("cancel"), onclick: cancel }))));
    box.focus();
    box.select();
  }

  // The text only ever grows, so only what is new is added.
  drawDraft() {
    const { turn } = this;
    this.once("body", "draft", () => {
      this.label = make("span");
      this.text = make("p", { className: "cw-draft-text", dir: "auto" });
      this.written = 0;
      this.body.replaceChildren(make("div", { className: "cw-draft" },
        make("p", { className: "cw-draft-label" }, make("span", { className: "cw-pulse", "aria-hidden": "true" }), this.label), this.text));
    });
    const label = !turn.evidence ? t("searching") : turn.waiting ? waitingText(turn.waiting) : !turn.draft ? t("reading") : turn.sentences.length ? t("checking") : t("draft");
    if (this.label.textContent !== label) this.label.textContent = label;
    if (turn.draft.length > this.written) this.text.append(turn.draft.slice(this.written));
    this.written = turn.draft.length;
  }

  finished() {
    const { turn } = this;
    if (turn.state === "done") return [make("div", { className: "cw-answer" }, ...answerElements(turn.answer))];
    const problem = turn.state === "failed" ? `${t("failed")} ${said(turn.error)}` : t(turn.state);
    const elements = [make("p", { className: "cw-notice", role: turn.state === "failed" ? "alert" : null, dir: "auto" },
      icon(turn.state === "stopped" ? "stop" : "alert"), make("span", { textContent: problem }))];
    if (turn.draft.trim()) {
      elements.push(make("details", { className: "cw-dropped" }, make("summary", { textContent: t("unchecked_draft") }),
        make("p", { className: "cw-draft-text", textContent: turn.draft.trim(), dir: "auto" })));
    }
    return elements;
  }

  drawFoot() {
    const { turn } = this;
    if (turn.state === "asking") return this.foot.replaceChildren();
    const copied = turn.answer ? iconButton("copy", t("copy"), () => copyAnswer(turn)) : null;
    const retry = this.last ? iconButton("retry", t("retry"), () => this.on.retry(turn)) : null;
    const added = turn.answer ? actions.map((action) => action(turn, this.conversation)) : [];
    const row = make("div", { className: "cw-actions", role: "group", "aria-label": t("actions") }, copied, retry, ...added);
    this.foot.replaceChildren(row);
    if (this.last && turn.followups.length) this.foot.append(this.followUps());
  }

  followUps() {
    const buttons = this.turn.followups.map((question) =>
      textButton("next", question, () => this.on.ask(question), { className: "cw-button cw-followup" }));
    return make("section", { className: "cw-followups" }, make("h3", { textContent: t("followups") }), ...buttons);
  }
}

function waitingText(waiting) {
  return waiting.seconds ? t("waiting_seconds", waiting) : t("waiting", waiting);
}

// The three best passages. They stay where they are, so that nothing moves when the answer comes.
function foundElements(turn) {
  if (!turn.evidence) return [];
  if (!turn.evidence.length) return [make("p", { className: "cw-hint", textContent: t("no_evidence") })];
  const seconds = turn.found_seconds ? ` · ${t("seconds", { seconds: turn.found_seconds.toFixed(2) })}` : "";
  const cards = turn.evidence.slice(0, TOP).map((passage) => card(passage, turn.evidence));
  return [
    make("h3", {}, make("span", { textContent: t("found") }), make("small", { textContent: count("passages", turn.evidence.length) + seconds })),
    make("ul", { className: "cw-cards" }, ...cards),
  ];
}

function card(passage, all) {
  if (!passage.source) return make("li", {}, citeLink(passage, all, "?"));
  const opened = make("button", {
    type: "button", className: "cw-card",
    onclick: () => openPassages(all, all.indexOf(passage), opened),
  },
    make("span", { className: "cw-card-place", dir: "auto", textContent: passage.heading || passage.title }),
    make("span", { className: "cw-card-quote", dir: "auto", textContent: clip(passage.rendered || passage.quote, 160) }));
  return make("li", {}, describe(opened, () => passageContent(passage)));
}
