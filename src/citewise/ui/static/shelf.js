// The tab of documents where visitors may bring their own: files, their progress, what is searched.
import { fetchJson } from "./api.js";
import { announce, icon, iconButton, make } from "./dom.js";
import { documentsChanged, tabs } from "./extend.js";
import { openSide } from "./side.js";
import { openPassages } from "./source.js";
import { count, said, t } from "./texts.js";
import { refusal, sendFile, size } from "./sending.js";
import { yourData } from "./mine.js";

const POLL_MS = 400;
const BUSY = new Set(["waiting", "reading", "splitting", "embedding"]);

let panel = null;
let parts = null; // the elements that stay while their content changes
let shelf = null; // what the server said last
let sending = []; // files on their way: { name, size, sent, stop, problem }
let polling = 0;

const tab = { id: "documents", title: () => t("documents"), build, shown: () => refresh() };
const place = tabs.findIndex((other) => other.id === "documents");
if (place < 0) tabs.push(tab);
else tabs[place] = tab;

// --- the panel ----------------------------------------------------------------------------------

function build(container) {
  panel = container;
  const input = make("input", { type: "file", multiple: true, hidden: true, id: "cw-file", onchange: () => { take(input.files); input.value = ""; } });
  const add = make("button", { type: "button", className: "cw-button cw-wide cw-drop", onclick: () => input.click() },
    icon("plus"), make("span", { textContent: t("add_files") }));
  parts = {
    add: make("div", {}, input, add),
    limits: make("p", { className: "cw-hint" }),
    own: make("ul", { className: "cw-uploads", "aria-label": t("your_files") }),
    scope: make("fieldset", { className: "cw-scope" }),
    common: make("ul", { className: "cw-documents cw-common" }),
    problem: make("p", { className: "cw-problem", role: "alert", hidden: true }),
    data: make("div"),
  };
  parts.commonTitle = make("h3");
  panel.replaceChildren(parts.add, parts.limits, parts.problem, parts.scope, make("h3", { textContent: t("your_files"), id: "cw-your-files" }),
    parts.own, parts.commonTitle, parts.common, parts.data);
  rows.clear();
  yourData(parts.data, () => { shelf = null; refresh(); documentsChanged(); });
  draw();
  refresh();
}

async function refresh() {
  clearTimeout(polling);
  try {
    const before = shelf;
    shelf = await fetchJson("/api/uploads");
    tell(parts.problem, shelf.problem);
    if (before && (before.preparing !== shelf.preparing || names(before) !== names(shelf))) documentsChanged();
    for (const upload of shelf.uploads) report(before?.uploads.find((u) => u.id === upload.id), upload);
  } catch (error) {
    tell(parts.problem, error.message);
  }
  draw();
  clearTimeout(polling);
  if (shelf?.preparing || shelf?.uploads.some((upload) => BUSY.has(upload.state))) polling = setTimeout(refresh, POLL_MS);
}

const names = (state) => JSON.stringify(state.uploads.map((u) => u.documents.map((d) => d.name)));

function report(before, now) {
  if (!before || before.state === now.state) return;
  if (now.state === "ready") announce(t("file_ready", { name: now.name }));
  if (now.state === "failed") announce(t("file_failed", { name: now.name }));
}

function tell(element, message) {
  element.hidden = !message;
  if (element.textContent !== said(message ?? "")) element.textContent = said(message ?? "");
}

// --- drawing ------------------------------------------------------------------------------------

const rows = new Map(); // upload id → the element that shows it

function draw() {
  if (!parts) return;
  drawSending();
  if (!shelf) return;
  parts.add.hidden = !shelf.open;
  parts.limits.textContent = limitsText(shelf);
  document.getElementById("cw-your-files").textContent = t(shelf.common ? "brought_files" : "your_files");
  for (const [id, row] of rows) if (!shelf.uploads.some((u) => u.id === id)) { row.element.remove(); rows.delete(id); }
  for (const upload of shelf.uploads) {
    if (!rows.has(upload.id)) {
      rows.set(upload.id, new Row(upload));
      parts.own.append(rows.get(upload.id).element);
    }
    rows.get(upload.id).update(upload);
  }
  const none = !shelf.uploads.length && !sending.length;
  parts.own.hidden = none;
  document.getElementById("cw-your-files").hidden = none;
  drawScope();
  drawCommon();
}

function limitsText({ limits, open, common }) {
  if (!open) return t("files_closed");
  const sizes = { file: size(limits.file_bytes), files: limits.visitor_files, all: size(limits.visitor_bytes), days: days(limits.idle_seconds) };
  return `${t("file_limits", sizes)} ${t(common ? "files_common" : "files_private", sizes)}`;
}

const days = (seconds) => (seconds < 86400 ? count("hours", Math.ceil(seconds / 3600)) : count("days", Math.round(seconds / 86400)));

// Drawn once for each file; only what has changed is touched, so that no button loses its focus.
class Row {
  constructor(upload) {
    this.name = make("button", { type: "button", className: "cw-document cw-name", dir: "auto", onclick: () => this.open() });
    this.check = make("input", { type: "checkbox", onchange: () => toggle(this.upload.documents.map((d) => d.name), this.check) });
    this.state = make("p", { className: "cw-hint cw-state" });
    this.bar = make("progress", { max: 1 });
    this.problem = make("p", { className: "cw-problem", role: "alert", hidden: true });
    this.left = make("ul", { className: "cw-left-out" });
    this.leftOut = make("details", { hidden: true }, make("summary", { textContent: t("left_out") }), this.left);
    this.cancel = iconButton("stop", t("cancel_file", { name: upload.name }), () => this.send("cancel", "POST"));
    this.again = iconButton("retry", t("reread_file", { name: upload.name }), () => this.send("reread", "POST"));
    this.remove = iconButton("trash", t("remove_file", { name: upload.name }), () => this.send("", "DELETE"));
    this.element = make("li", { className: "cw-upload" },
      make("div", { className: "cw-upload-head" }, this.check, this.name, this.cancel, this.again, this.remove),
      this.bar, this.state, this.problem, this.leftOut);
  }

  update(upload) {
    this.upload = upload;
    const busy = BUSY.has(upload.state);
    this.element.dataset.state = upload.state;
    this.name.textContent = upload.name;
    this.name.disabled = !upload.documents.length;
    this.check.hidden = !upload.documents.length;
    this.check.checked = upload.documents.length > 0 && upload.documents.every((d) => searched(d.name));
    this.check.setAttribute("aria-label", t("search_this", { name: upload.name }));
    this.state.textContent = stateText(upload);
    this.bar.hidden = !busy;
    this.bar.setAttribute("aria-label", t("progress_of", { name: upload.name }));
    if (upload.total) this.bar.value = upload.done / upload.total;
    else this.bar.removeAttribute("value");
    tell(this.problem, upload.problem);
    this.leftOut.hidden = !upload.left_out.length || upload.state === "failed";
    this.left.replaceChildren(...upload.left_out.map((text) => make("li", { textContent: text, dir: "auto" })));
    this.cancel.hidden = !busy || !upload.mine;
    this.again.hidden = busy || !upload.mine;
    this.remove.hidden = !upload.mine;
  }

  open() {
    const found = this.upload.documents.filter((d) => d.source);
    if (found.length) openPassages(found, 0, this.name);
  }

  async send(what, method) {
    const next = this.element.nextElementSibling?.querySelector("button") ?? parts.add.querySelector("button");
    try {
      await fetchJson(`/api/uploads/${this.upload.id}${what && "/"}${what}`, { method, headers: { "X-Citewise": "1" } });
      if (method === "DELETE") {
        announce(t("file_removed", { name: this.upload.name }));
        next?.focus();
      }
    } catch (error) {
      tell(this.problem, error.message);
      return;
    }
    await refresh();
    if (method === "DELETE") documentsChanged();
  }
}

function stateText({ state, size: bytes, done, total, seconds_left: left, documents }) {
  const parts = [t(`state_${state}`), size(bytes)];
  if (state === "embedding" && total) parts.push(`${Math.round((100 * done) / total)} %`);
  if (state === "embedding" && left !== null) parts.push(t("time_left", { seconds: Math.max(1, Math.ceil(left)) }));
  if (state === "ready" && documents.length > 1) parts.push(t("holds_documents", { count: documents.length }));
  return parts.join(" · ");
}

function drawSending() {
  for (const old of parts.own.querySelectorAll(".cw-sending")) if (!sending.some((file) => file.element === old)) old.remove();
  for (const file of sending) {
    file.element ??= sendingRow(file);
    if (!file.element.isConnected) parts.own.append(file.element);
    file.bar.value = file.size ? file.sent / file.size : 0;
    file.bar.hidden = Boolean(file.problem);
    file.state.textContent = file.problem ? size(file.size) : [t("state_sending"), size(file.size), `${Math.round((100 * file.sent) / Math.max(1, file.size))} %`].join(" · ");
    tell(file.shown, file.problem);
  }
  if (sending.length) parts.own.hidden = document.getElementById("cw-your-files").hidden = false;
}

function sendingRow(file) {
  file.bar = make("progress", { max: 1, "aria-label": t("progress_of", { name: file.name }) });
  file.state = make("p", { className: "cw-hint cw-state" });
  file.shown = make("p", { className: "cw-problem", role: "alert", hidden: true });
  const stop = iconButton("close", t("cancel_file", { name: file.name }), () => {
    file.stop();
    sending = sending.filter((other) => other !== file);
    draw();
  });
  return make("li", { className: "cw-upload cw-sending" },
    make("div", { className: "cw-upload-head" }, make("span", { className: "cw-name", textContent: file.name, dir: "auto" }), stop),
    file.bar, file.state, file.shown);
}

// --- what is searched ---------------------------------------------------------------------------

function searched(name) {
  const { scope, names: ticked } = shelf.selection;
  if (scope === "some") return ticked.includes(name);
  return scope === "all" || shelf.uploads.some((u) => u.documents.some((d) => d.name === name));
}

const everyName = () => [...shelf.uploads.flatMap((u) => u.documents.map((d) => d.name)), ...shelf.documents.map((d) => d.name)];

function toggle(changed, box) {
  const ticked = new Set(everyName().filter(searched));
  for (const name of changed) if (box.checked) ticked.add(name); else ticked.delete(name);
  const all = ticked.size === everyName().length && shelf.total === shelf.documents.length;
  choose(all ? { scope: "all" } : { scope: "some", names: [...ticked] });
}

async function choose(selection) {
  try {
    shelf.selection = await fetchJson("/api/selection", {
      method: "PUT", body: JSON.stringify(selection), headers: { "Content-Type": "application/json", "X-Citewise": "1" },
    });
    tell(parts.problem, shelf.problem);
    announce(scopeText());
  } catch (error) {
    tell(parts.problem, error.message);
  }
  draw();
}

function scopeText() {
  const total = shelf.total + shelf.uploads.reduce((sum, u) => sum + u.documents.length, 0);
  const chosen = everyName().filter(searched).length;
  return shelf.selection.scope === "all" ? count("searches_all", total) : t("searches_some", { count: chosen, total });
}

function drawScope() {
  if (!parts.scope.children.length) {
    const radio = (scope) => make("label", {}, make("input", { type: "radio", name: "cw-scope", value: scope, onchange: () => choose({ scope }) }),
      make("span", { textContent: t(`scope_${scope}`) }));
    parts.scope.append(make("legend", { textContent: t("scope") }), radio("all"), radio("own"), make("p", { className: "cw-hint" }));
  }
  for (const radio of parts.scope.querySelectorAll("input")) radio.checked = radio.value === shelf.selection.scope;
  parts.scope.querySelector("[value=own]").disabled = !shelf.uploads.some((u) => u.documents.length);
  parts.scope.querySelector("p").textContent = scopeText();
}

function drawCommon() {
  parts.commonTitle.textContent = shelf.preparing ? t("preparing") : t("common_documents", { count: shelf.total });
  const key = JSON.stringify(shelf.documents);
  if (parts.common.dataset.key !== key) {
    parts.common.dataset.key = key;
    parts.common.replaceChildren(...shelf.documents.map(commonRow),
      ...(shelf.total > shelf.documents.length ? [make("li", { className: "cw-hint", textContent: t("and_more", { count: shelf.total - shelf.documents.length }) })] : []));
  }
  for (const box of parts.common.querySelectorAll("input")) box.checked = searched(box.value);
}

function commonRow(document) {
  const box = make("input", { type: "checkbox", value: document.name, "aria-label": t("search_this", { name: document.title }) });
  box.addEventListener("change", () => toggle([document.name], box));
  const open = make("button", { type: "button", className: "cw-document", onclick: () => openPassages([document], 0, open) },
    icon("document"), make("span", { textContent: document.title, dir: "auto" }));
  return make("li", { className: "cw-upload-head" }, box, open);
}

// --- files come in ------------------------------------------------------------------------------

async function take(files) {
  const picked = [...files]; // the browser empties its own list
  if (!shelf) await refresh();
  if (!shelf?.open) return;
  openSide("documents");
  const added = picked.map((file) => ({ file, name: file.name, size: file.size, sent: 0, problem: "", stop() {} }));
  sending.push(...added);
  for (const one of added) {
    if (!sending.includes(one)) continue;
    one.problem = refusal(one.file, shelf) ?? "";
    if (!one.problem) await send(one);
    draw();
  }
}

async function send(one) {
  try {
    const sent = sendFile(one.file, (bytes) => { one.sent = bytes; drawSending(); });
    one.stop = sent.stop;
    draw();
    await sent.done;
    sending = sending.filter((other) => other !== one);
  } catch (error) {
    one.problem = error.message;
  }
  await refresh();
}

// A file that is dropped beside the panel must not take the place of the page.
const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  if (shelf?.open) document.getElementById("citewise").dataset.dropping = "true";
});
for (const name of ["dragleave", "drop", "dragend"]) {
  document.addEventListener(name, (event) => {
    if (name !== "dragleave" || !event.relatedTarget) delete document.getElementById("citewise").dataset.dropping;
  });
}
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  take(event.dataTransfer.files);
});
