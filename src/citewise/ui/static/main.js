// Puts the page together and runs the conversation.
import { ask } from "./api.js";
import { buildComposer, focusQuestion, setRunning } from "./composer.js";
import { toast } from "./copying.js";
import { documentsTab } from "./documents.js";
import { announce, iconButton, make, narrow } from "./dom.js";
import { buildDrawer, drawConversations } from "./drawer.js";
import { addTab, questionFields } from "./extend.js";
import { checkNow, startHeartbeat } from "./heartbeat.js";
import { hide, isShown } from "./popover.js";
import { applyTheme } from "./settings.js";
import { buildSide, closeSide, isSideOpen, toggleSide } from "./side.js";
import { sourceTab } from "./source.js";
import * as store from "./store.js";
import { language, sections, setLanguage, t } from "./texts.js";
import { Thread } from "./thread.js";

const SAVE_EVERY_MS = 1500;
const root = make("div", { id: "citewise" });
let conversation = store.load(store.current()) ?? store.newConversation();
let thread = null;
let running = null; // { turn, conversation, stop }

// --- turns --------------------------------------------------------------------------------------

async function askQuestion(question) {
  if (running) return;
  const turn = store.newTurn(question);
  const asked = conversation;
  const history = asked.turns.map((earlier) => earlier.question);
  asked.title ||= question;
  asked.turns.push(turn);
  thread.begin(turn);
  const controller = new AbortController();
  running = { turn, conversation: asked, stop: () => controller.abort() };
  setRunning(true);
  keep(asked);
  const fields = Object.assign({}, ...questionFields.map((add) => add(turn, asked)));
  await follow(turn, asked, ask({ ...fields, question, history }, controller.signal));
  settle(turn);
  keep(asked);
}

// The next question need not wait for what is offered after an answer.
function settle(turn) {
  if (running?.turn !== turn) return;
  const asked = running.conversation;
  running = null;
  keep(asked);
  setRunning(false);
}

async function follow(turn, asked, events) {
  const began = performance.now();
  let saved = began;
  try {
    for await (const event of events) {
      receive(turn, event, (performance.now() - began) / 1000);
      redraw(turn);
      if (performance.now() - saved > SAVE_EVERY_MS) {
        store.save(asked);
        saved = performance.now();
      }
    }
    if (turn.state === "asking") fail(turn, t("broken_off"));
  } catch (error) {
    if (error.name === "AbortError") finish(turn, "stopped");
    else if (turn.state === "asking") fail(turn, error.message);
    if (error.code === "unreachable" || error.code === "broken") checkNow();
  }
  redraw(turn);
}

function receive(turn, event, seconds) {
  if (event.type === "evidence") {
    turn.evidence = event.evidence;
    turn.found_seconds = seconds;
  } else if (event.type === "queue") {
    turn.waiting = event.ahead ? event : null;
  } else if (event.type === "text") {
    turn.waiting = null;
    turn.draft += event.delta;
  } else if (event.type === "sentence") {
    turn.sentences.push(event.shown);
  } else if (event.type === "answer") {
    turn.answer = { ...event.answer, id: event.id };
    turn.evidence = event.answer.evidence;
    finish(turn, "done");
    settle(turn);
    announce(t("announce_answer", { text: event.answer.text }));
  } else if (event.type === "followups") {
    turn.followups = event.questions;
  } else if (event.type === "error") {
    fail(turn, event.message);
  }
}

function finish(turn, state) {
  turn.state = state;
  turn.sentences = [];
  turn.waiting = null;
}

function fail(turn, message) {
  turn.error = message;
  finish(turn, "failed");
}

// At most once a frame: a model can write faster than a page can be drawn.
let awaiting = new Set();
function redraw(turn) {
  if (!awaiting.size) requestAnimationFrame(() => {
    const turns = awaiting;
    awaiting = new Set();
    for (const each of turns) thread.update(each);
  });
  awaiting.add(turn);
}

const stop = () => running?.stop();

function askAgain(turn, question) {
  if (running) return;
  const from = conversation.turns.indexOf(turn);
  if (from < 0) return;
  conversation.turns.splice(from);
  if (!from) conversation.title = question;
  thread.dropFrom(turn);
  askQuestion(question);
}

const onTurn = {
  ask: (question) => { askQuestion(question); focusQuestion(); },
  edit: (turn, question) => { askAgain(turn, question); focusQuestion(); },
  retry: (turn) => { askAgain(turn, turn.question); focusQuestion(); },
};

// --- conversations ------------------------------------------------------------------------------

function keep(kept) {
  if (!store.save(kept)) toast(t("not_kept"));
  store.setCurrent(conversation.id);
  listConversations();
}

const listConversations = () => drawConversations(store.conversations(), conversation.id, onConversation);

function change(next) {
  conversation = running?.conversation.id === next.id ? running.conversation : next;
  store.setCurrent(conversation.id);
  thread.show(conversation);
  listConversations();
  root.dataset.drawer = "closed";
}

// For those who keep something about a conversation elsewhere.
const tell = (what, detail) => document.dispatchEvent(new CustomEvent(`citewise:conversation-${what}`, { detail }));

const onConversation = {
  open(id) {
    if (id === conversation.id) return onConversation.close();
    const found = store.load(id);
    if (found) change(found);
    else listConversations();
  },
  begin() {
    change(store.newConversation());
    focusQuestion();
  },
  remove(removed) {
    if (running?.conversation.id === removed.id) stop();
    store.remove(removed.id);
    tell("removed", removed);
    if (removed.id === conversation.id) change(store.newConversation());
    else listConversations();
    toast(t("deleted"), { label: t("undo"), run: () => { store.save(removed); tell("restored", removed); listConversations(); } });
  },
  close() {
    root.dataset.drawer = "closed";
    document.getElementById("cw-menu")?.focus();
  },
  changeLanguage(code) {
    setLanguage(code);
    build();
  },
};

// --- the page -----------------------------------------------------------------------------------

function build() {
  const menu = iconButton("menu", t("conversations"), () => {
    root.dataset.drawer = root.dataset.drawer === "open" ? "closed" : "open";
    if (root.dataset.drawer === "open") document.getElementById("cw-drawer-close").focus();
  }, { id: "cw-menu" });
  const panel = iconButton("panel", t("side"), () => toggleSide(panel), { id: "cw-side-toggle" });
  const begin = iconButton("plus", t("new"), onConversation.begin, { id: "cw-new-narrow" });
  thread = new Thread(onTurn);
  root.replaceChildren(
    make("a", { className: "cw-skip", href: "#cw-question", textContent: t("skip"), onclick: (e) => { e.preventDefault(); focusQuestion(); } }),
    buildDrawer(onConversation),
    make("div", { id: "cw-shade", onclick: () => { onConversation.close(); if (narrow()) closeSide(); } }),
    make("main", { id: "cw-main" },
      make("header", { id: "cw-top" }, menu, make("h1", {}, "citewise", make("small", { textContent: t("tagline") })), begin, panel),
      thread.element, thread.latest, buildComposer({ ask: askQuestion, stop })),
    buildSide(),
    make("div", { id: "cw-live", role: "status", className: "cw-offscreen" }));
  thread.show(conversation);
  listConversations();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    if (isShown()) hide();
    else if (root.dataset.drawer === "open") onConversation.close();
    else if (isSideOpen() && (narrow() || document.getElementById("cw-side").contains(document.activeElement))) closeSide();
  }
  if (event.key === "/" && !/^(?:TEXTAREA|INPUT|SELECT)$/.test(document.activeElement?.tagName ?? "")) {
    event.preventDefault();
    focusQuestion();
  }
});

addEventListener("pagehide", () => { if (running) store.save(running.conversation); });
addEventListener("storage", (event) => { if (event.key?.startsWith("citewise.conversation.")) listConversations(); });

// Gradio builds its own part of the page later; this part moves into it as it is.
function adopt() {
  const host = document.getElementById("cw-host");
  if (!host) return void setTimeout(adopt, 50);
  document.getElementById("cw-header")?.remove();
  if (host.moveBefore) host.moveBefore(root, null);
  else {
    const [focused, top] = [document.activeElement, thread.element.scrollTop];
    host.append(root);
    thread.element.scrollTop = top;
    focused?.focus?.({ preventScroll: true });
  }
}

function nameLanguage() {
  if (document.documentElement.lang !== language()) document.documentElement.lang = language();
}

async function start() {
  // Gradio sets the language of the browser, which may not be the page's.
  new MutationObserver(nameLanguage).observe(document.documentElement, { attributeFilter: ["lang"] });
  nameLanguage();
  applyTheme();
  root.dataset.side = narrow() ? "closed" : "open";
  root.dataset.drawer = "closed";
  addTab(sourceTab);
  addTab(documentsTab);
  const loaded = await Promise.allSettled(sections.map((path) => import(path)));
  for (const { reason } of loaded) if (reason) console.error(reason);
  document.body.append(root);
  build();
  if (!narrow()) focusQuestion();
  startHeartbeat();
  adopt();
}

start();
