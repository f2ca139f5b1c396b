// Opens sources beside the conversation, and tells when the server is gone.
// Text of documents only ever enters the page as textContent.
"use strict";
(() => {
  const LINK = 'a[href^="#cite-"]';
  const HEARTBEAT_MS = 10_000;
  let opener = null; // what had the focus before a source was opened
  let wanted = 0; // the latest request; a slower, older one must not win

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const panel = () => document.getElementById("cw-source");
  const side = () => document.getElementById("cw-side");

  async function fetchJson(path) {
    const response = await fetch(path, { headers: { Accept: "application/json" } });
    const body = await response.json();
    if (!response.ok) throw new Error(body.message || "The source could not be read.");
    return body;
  }

  function header(title) {
    const heading = make("h2", { textContent: title, tabIndex: -1, id: "cw-source-title", dir: "auto" });
    const close = make("button", { type: "button", className: "cw-close", textContent: "Close" });
    close.addEventListener("click", closeSource);
    return make("header", {}, heading, close);
  }

  function sourceText(source) {
    const mark = make("mark", { textContent: source.quote });
    const pieces = source.quote ? [source.before, mark, source.after] : [source.before, source.after];
    const text = make("div", { className: "cw-text", tabIndex: 0, dir: "auto" }, ...pieces);
    text.setAttribute("role", "region");
    text.setAttribute("aria-label", "Text of " + source.title);
    return text;
  }

  function place(source) {
    const parts = [source.heading, source.page === null ? "" : "page " + source.page];
    if (source.invisible) parts.push("the passage holds invisible characters");
    if (source.clipped) parts.push("only the part around the passage is shown");
    return parts.filter(Boolean).join(" · ");
  }

  // The title takes the focus, so that a screen reader starts there and Esc leads back.
  function show(title, ...children) {
    const section = make("section", { id: "cw-source" }, header(title), ...children);
    section.setAttribute("aria-labelledby", "cw-source-title");
    panel()?.remove();
    side()?.prepend(section);
    side()?.classList.add("cw-open");
    section.querySelector("h2").focus({ preventScroll: true });
    return section;
  }

  function scrollToMark(section) {
    if (side().getBoundingClientRect().top > window.innerHeight / 2 || window.innerWidth < 800) {
      section.scrollIntoView({ block: "start" });
    }
    const text = section.querySelector(".cw-text");
    const mark = section.querySelector("mark");
    if (!mark) return;
    const above = mark.getBoundingClientRect().top - text.getBoundingClientRect().top;
    text.scrollTop += above - text.clientHeight / 3;
  }

  async function openSource(id, from) {
    opener = from;
    const request = ++wanted;
    try {
      const source = await fetchJson("/api/source/" + encodeURIComponent(id));
      if (request !== wanted) return;
      const where = place(source);
      const children = where ? [make("p", { className: "cw-place", textContent: where, dir: "auto" })] : [];
      scrollToMark(show(source.title, ...children, sourceText(source)));
    } catch (error) {
      if (request !== wanted) return;
      scrollToMark(show("Source", make("p", { className: "cw-problem", textContent: error.message })));
    }
    markCurrent(id);
  }

  function markCurrent(id) {
    for (const link of document.querySelectorAll(LINK)) {
      if (id && link.getAttribute("href") === "#cite-" + id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function closeSource() {
    if (!panel()) return;
    wanted += 1;
    panel().remove();
    side()?.classList.remove("cw-open");
    markCurrent(null);
    const again = opener?.isConnected ? opener : linkTo(opener?.getAttribute("href"));
    (again ?? document.querySelector("#cw-question textarea"))?.focus();
  }

  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest(LINK) : null;
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    openSource(link.getAttribute("href").slice("#cite-".length), link);
  }, true);

  // The evidence folds away when the answer comes, but the answer cites some of the same words.
  const linkTo = (href) =>
    [...document.querySelectorAll(LINK)].find((link) => link.getAttribute("href") === href);

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel()) closeSource();
  });

  async function listDocuments() {
    const { title, total, documents } = await fetchJson("/api/documents");
    const list = make("ul");
    for (const { title: name, source } of documents) {
      list.append(make("li", {}, make("a", { href: "#cite-" + source, textContent: name, dir: "auto" })));
    }
    if (total > documents.length) list.append(make("li", { textContent: `and ${total - documents.length} more` }));
    const summary = make("summary", { textContent: `${title} (${total})` });
    document.getElementById("cw-documents")?.remove();
    side().append(make("details", { id: "cw-documents", open: total <= 12 }, summary, list));
  }

  async function heartbeat() {
    let alive = false;
    try {
      alive = (await fetch("/healthz", { cache: "no-store" })).ok;
    } catch { /* the server is gone, which is what this is here to see */ }
    const gone = document.getElementById("cw-gone");
    if (alive) gone?.remove();
    else if (!gone) {
      const text = "The server has stopped. What you see is kept; start citewise again to go on.";
      const banner = make("div", { id: "cw-gone", textContent: text });
      banner.setAttribute("role", "alert");
      document.body.prepend(banner);
    }
  }

  // Gradio names each message by its Markdown, links spelled out, and empties the placeholder
  // while it answers; both are put right whenever the page changes.
  let tidying = false;
  function tidy() {
    tidying = false;
    for (const message of document.querySelectorAll("#cw-chat [data-testid][aria-label]")) {
      const label = message.dataset.testid === "user" ? "Question" : "Answer";
      if (message.getAttribute("aria-label") !== label) message.setAttribute("aria-label", label);
    }
    const box = document.querySelector("#cw-question textarea");
    if (box && !box.placeholder && !box.disabled) box.placeholder = box.dataset.placeholder || "";
    if (box?.placeholder) box.dataset.placeholder = box.placeholder;
  }
  function tidySoon() {
    if (!tidying) requestAnimationFrame(tidy);
    tidying = true;
  }

  // Gradio builds the page after this script has run.
  function whenBuilt() {
    if (!side()) return void setTimeout(whenBuilt, 100);
    listDocuments().catch((error) => {
      side().append(make("p", { id: "cw-documents", className: "cw-problem", textContent: error.message }));
    });
    new MutationObserver(tidySoon).observe(document.getElementById("cw-conversation"), {
      attributeFilter: ["aria-label", "placeholder", "disabled"], childList: true, subtree: true,
    });
    tidySoon();
    setInterval(() => { if (!document.hidden) heartbeat(); }, HEARTBEAT_MS);
  }
  whenBuilt();
})();
