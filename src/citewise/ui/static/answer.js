// A finished answer: sentences with their numbers and verdicts, quotations, or "not found".
import { clip, icon, make } from "./dom.js";
import { describe, passageContent, placeParts, placeText } from "./popover.js";
import { openPassages } from "./source.js";
import { count, said, t } from "./texts.js";

const ICONS = { supported: "check", partly_supported: "partly", unsupported: "alert", contradicted: "cross" };
const NEAREST = 3;
// How the answer begins a sentence of another document that does not agree with it.
const OTHERWISE = "But another document says otherwise:";

// A number that opens its passage; plain text where the document is gone.
export function citeLink(passage, all, label) {
  const number = `[${label}]`;
  if (!passage.source) return make("span", { className: "cw-cite cw-lost", textContent: number, title: t("source_gone") });
  const link = make("a", {
    className: "cw-cite", href: `#cite-${passage.source}`, textContent: label,
    "aria-label": t("cite_label", { number: label, place: placeText(passage) }),
    onclick: (event) => {
      event.preventDefault();
      openPassages(all, all.indexOf(passage), link);
    },
  });
  return describe(link, () => passageContent(passage));
}

function verdictMark(sentence) {
  const label = t(`verdict_${sentence.label}`);
  const plain = sentence.label === "supported";
  const mark = make("button", {
    type: "button", className: "cw-verdict", "data-label": sentence.label,
    "aria-label": t("verdict_label", { verdict: label }), onclick: () => mark.focus(),
  }, icon(ICONS[sentence.label] ?? "alert"), plain ? "" : make("span", { textContent: label }));
  return describe(mark, () => verdictContent(sentence, label));
}

function verdictContent(sentence, label) {
  const reason = sentence.reason || (sentence.label === "supported" ? t("why_supported") : "");
  return [
    make("p", { className: "cw-popover-place" }, icon(ICONS[sentence.label] ?? "alert"), make("strong", { textContent: ` ${label}` })),
    reason ? make("p", { textContent: said(reason) }) : null,
    make("p", { className: "cw-popover-hint", textContent: t("strength", { percent: Math.round(sentence.score * 100) }) }),
  ].filter(Boolean);
}

function sentenceElement(sentence, answer, order) {
  const cited = sentence.citations.map((n) => answer.citations.find((c) => c.number === n)).filter(Boolean);
  const links = cited.map((passage) => citeLink(passage, answer.citations, String(passage.number)));
  // Number and verdict stay on the line of the last word.
  const [, words, word] = /^(.*\s)?(\S{0,24})$/s.exec(said(sentence.text)) ?? [null, said(sentence.text), ""];
  const proof = make("span", { className: "cw-proof" }, ...links, verdictMark(sentence));
  const element = make("span", { className: "cw-sentence", "data-label": sentence.label },
    make("span", { className: "cw-words", dir: "auto" }, words ?? ""),
    make("span", { className: "cw-last-word" }, make("span", { className: "cw-words", textContent: word }), proof), " ");
  element.style.setProperty("--order", order);
  if (sentence.label !== "supported" && sentence.reason) {
    element.append(make("span", { className: "cw-reason", textContent: said(sentence.reason) }), " ");
  }
  return element;
}

// Lines that begin a list item stand alone.
function answered(answer) {
  const prose = make("div", { className: "cw-prose" });
  let paragraph = null;
  answer.sentences.forEach((sentence, order) => {
    const otherwise = sentence.text.startsWith(OTHERWISE);
    const alone = /^(?:[-*•]|\d+[.)])\s/.test(sentence.text) || sentence.label !== "supported" || otherwise;
    if (!paragraph || alone || paragraph.dataset.alone) paragraph = prose.appendChild(make("p"));
    if (alone) paragraph.dataset.alone = "yes";
    if (otherwise) paragraph.className = "cw-otherwise";
    paragraph.append(sentenceElement(sentence, answer, order));
  });
  if (!answer.sentences.length) prose.append(make("p", { textContent: answer.text, dir: "auto" }));
  const supported = answer.sentences.filter((s) => s.label === "supported").length;
  return [prose, summary(supported, answer.sentences.length), sources(answer.citations)];
}

function summary(supported, total) {
  if (!total) return null;
  const all = supported === total;
  const text = all && total === 1 ? t("checked_one") : t("checked", { supported, total });
  return make("p", { className: "cw-summary", "data-all": all ? "yes" : "no" }, icon(all ? "check" : "alert"), make("span", { textContent: text }));
}

function sources(citations) {
  if (!citations.length) return null;
  const items = citations.map((c) => make("li", {},
    citeLink(c, citations, String(c.number)),
    make("span", { className: "cw-source-line", dir: "auto" },
      make("span", {}, ...placeParts(c)), make("q", { textContent: clip(c.quote, 180) }))));
  return make("section", { className: "cw-sources" }, make("h3", { textContent: t("sources") }), make("ol", {}, ...items));
}

function quotation(passage, all, label) {
  return make("figure", { className: "cw-quotation" },
    make("blockquote", { textContent: passage.quote, className: passage.rendered ? "cw-row" : "", dir: "auto" }),
    passage.rendered ? make("p", { className: "cw-reads", textContent: clip(passage.rendered, 400), dir: "auto" }) : null,
    make("figcaption", { dir: "auto" }, citeLink(passage, all, label), " ", ...placeParts(passage)));
}

const quotations = (passages) => passages.map((p, rank) => quotation(p, passages, String(p.number ?? rank + 1)));

function banner(kind, name, title, text) {
  return make("div", { className: `cw-banner cw-${kind}` }, icon(name),
    make("div", {}, make("h3", { textContent: title }), text ? make("p", { textContent: text, dir: "auto" }) : null));
}

function quoted(answer) {
  const passages = answer.citations.length ? answer.citations : answer.evidence.slice(0, NEAREST);
  return [banner("quoted", "quote", t("quoted"), t("quoted_why")), ...quotations(passages)];
}

function notFound(answer) {
  const nearest = answer.citations.length ? answer.citations : answer.evidence.slice(0, NEAREST);
  return [
    banner("not-found", "missing", t("not_found"), said(answer.text) || t("not_found_why")),
    nearest.length ? make("h3", { className: "cw-nearest", textContent: t("nearest") }) : null,
    ...quotations(nearest),
  ];
}

function dropped(sentences) {
  if (!sentences.length) return null;
  const items = sentences.map((s) => make("li", {},
    make("s", { textContent: s.text, dir: "auto" }),
    make("p", { className: "cw-why", "data-label": s.label }, icon(ICONS[s.label] ?? "alert"),
      make("span", { textContent: [t(`verdict_${s.label}`), said(s.reason)].filter(Boolean).join(": ") }))));
  return make("details", { className: "cw-dropped" },
    make("summary", { textContent: count("removed", sentences.length) }), make("ul", {}, ...items));
}

export function answerElements(answer) {
  const shown = { answered, quoted, not_found: notFound }[answer.status] ?? notFound;
  const notices = answer.notices.map((notice) => make("p", { className: "cw-notice", dir: "auto" }, icon("alert"), make("span", { textContent: said(notice) })));
  return [...shown(answer), dropped(answer.dropped), ...notices].filter(Boolean);
}
