// Under each answer: a thumb, with a reason if there is one, and "save as a question for the evals".
// For each conversation: a file to keep.
import { fetchJson } from "./api.js";
import { toast } from "./copying.js";
import { icon, iconButton, make } from "./dom.js";
import { addAction, addConversationAction } from "./extend.js";
import { offers } from "./mine.js";
import { save } from "./store.js";
import { said, t } from "./texts.js";

const PATHS = {
  up: "M7 10v10H4V10zM7 10l4-7c2 0 3 1.500 2.500 3.500L13 9h6l-1.500 9.500c-.2 1-1 1.500-2 1.500H7",
  down: "M7 14V4H4v10zM7 14l4 7c2 0 3-1.500 2.500-3.500L13 15h6l-1.500-9.500c-.2-1-1-1.500-2-1.500H7",
  file: "M12 4v11M7 11l5 5 5-5M5 20h14",
  keep: "M7 4h10v16l-5-4-5 4z",
};

function drawn(name) {
  const svg = icon("check");
  svg.firstChild.setAttribute("d", PATHS[name]);
  return svg;
}

function button(name, label, onclick, properties = {}) {
  const made = iconButton("check", label, onclick, properties);
  made.replaceChildren(drawn(name));
  return made;
}

const JSON_HEADERS = { "Content-Type": "application/json", "X-Citewise": "1" };

// --- thumbs -------------------------------------------------------------------------------------

addAction((turn, conversation) => {
  if (!turn.answer?.id) return null;
  const group = make("span", { className: "cw-feedback" });
  const up = button("up", t("thumb_up"), () => rate("up"));
  const down = button("down", t("thumb_down"), () => rate("down"));
  const show = () => {
    up.setAttribute("aria-pressed", turn.thumb === "up");
    down.setAttribute("aria-pressed", turn.thumb === "down");
  };

  async function rate(thumb, reason = "") {
    const wanted = turn.thumb === thumb && !reason ? "none" : thumb;
    try {
      await fetchJson(`/api/answers/${turn.answer.id}/thumb`, { method: "PUT", headers: JSON_HEADERS, body: JSON.stringify({ thumb: wanted, reason }) });
    } catch (error) {
      return toast(said(error.message));
    }
    turn.thumb = wanted;
    save(conversation);
    show();
    group.querySelector("form")?.remove();
    if (wanted === "down" && !reason) ask();
    else if (wanted !== "none") toast(t("thanks"));
  }

  function ask() {
    const box = make("input", { type: "text", maxLength: 2000, placeholder: t("reason"), "aria-label": t("reason"), dir: "auto" });
    const form = make("form", {}, box, make("button", { type: "submit", className: "cw-button", textContent: t("send_reason") }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (box.value.trim()) rate("down", box.value.trim());
      else form.remove();
      down.focus();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      form.remove();
      down.focus();
    });
    group.append(form);
    box.focus();
  }

  group.append(up, down);
  show();
  return group;
});

// --- questions for the evals --------------------------------------------------------------------

addAction((turn) => {
  if (!turn.answer?.id) return null;
  const keep = button("keep", t("save_question"), async () => {
    try {
      const { id } = await fetchJson(`/api/answers/${turn.answer.id}/question`, { method: "POST", headers: { "X-Citewise": "1" } });
      toast(t("question_saved", { id }));
    } catch (error) {
      toast(said(error.message));
    }
  }, { hidden: true });
  offers().then((server) => { keep.hidden = !server.questions; }, () => {});
  return keep;
});

// --- files --------------------------------------------------------------------------------------

addConversationAction((conversation) => {
  const ids = conversation.turns.map((turn) => turn.answer?.id).filter(Boolean);
  if (!ids.length) return null;
  return button("file", t("export", { title: conversation.title }), (event) => offer(ids, event.currentTarget));
});

function offer(ids, opener) {
  const link = (kind, text) => make("a", {
    className: "cw-button cw-wide", href: `/api/export.${kind}?ids=${ids.join(",")}`, download: `conversation.${kind}`, textContent: text,
    onclick: () => setTimeout(() => dialog.close()),
  });
  const dialog = make("dialog", { className: "cw-dialog", "aria-label": t("export_as") },
    make("h2", { textContent: t("export_as") }), link("md", t("export_markdown")), link("json", t("export_json")),
    make("button", { type: "button", className: "cw-button cw-wide", textContent: t("cancel"), onclick: () => dialog.close() }));
  dialog.addEventListener("close", () => { dialog.remove(); opener.focus(); });
  dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") event.stopPropagation(); });
  document.getElementById("citewise").append(dialog);
  dialog.showModal();
}

// What is deleted in the browser is deleted on the server, once it can no longer be undone.
const UNDO_MS = 8500;
const going = new Map(); // conversation id → { ids, timer }

document.addEventListener("citewise:conversation-removed", ({ detail }) => {
  const ids = detail.turns.map((turn) => turn.answer?.id).filter(Boolean);
  if (ids.length) going.set(detail.id, { ids, timer: setTimeout(() => forget(detail.id), UNDO_MS) });
});
document.addEventListener("citewise:conversation-restored", ({ detail }) => {
  clearTimeout(going.get(detail.id)?.timer);
  going.delete(detail.id);
});
addEventListener("pagehide", () => { for (const id of [...going.keys()]) forget(id); });

function forget(id) {
  const { ids } = going.get(id);
  going.delete(id);
  fetch(`/api/answers/${ids.join(",")}`, { method: "DELETE", keepalive: true, headers: { "X-Citewise": "1" } }).catch(() => {});
}
