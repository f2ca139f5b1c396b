// The owner's page: log in, look, take the answers along, delete them.
import { fetchJson } from "../api.js";
import { make } from "../dom.js";
import { language, said, t } from "../texts.js";

const root = document.getElementById("owner");
const SENT = { "Content-Type": "application/json", "X-Citewise": "1" };

async function show() {
  try {
    draw(await fetchJson("/owner/data"));
  } catch (error) {
    if (error.code === "log_in") logIn();
    else root.replaceChildren(make("p", { className: "problem", role: "alert", textContent: said(error.message) }));
  }
}

function logIn() {
  const box = make("input", { type: "password", id: "password", autocomplete: "current-password", required: true });
  const problem = make("p", { className: "problem", role: "alert" });
  const form = make("form", {}, make("h1", { textContent: t("owner_title") }),
    make("label", { for: "password", textContent: t("owner_password") }), box,
    make("button", { type: "submit", textContent: t("owner_log_in") }), problem);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await fetchJson("/owner/login", { method: "POST", headers: SENT, body: JSON.stringify({ password: box.value }) });
      await show();
    } catch (error) {
      problem.textContent = said(error.message);
      box.select();
    }
  });
  root.replaceChildren(form);
  box.focus();
}

function draw(seen) {
  root.replaceChildren(
    make("header", {}, make("h1", { textContent: t("owner_title") }), tools()),
    make("p", { className: "hint", textContent: t("owner_private", { days: Math.round(seen.keep_days) }) }),
    totals(seen.totals),
    stages(seen.stages),
    ...["not_found", "refused", "disliked", "slowest"].map((name) => listed(name, seen[name])));
}

function tools() {
  const erase = make("button", { type: "button", textContent: t("owner_erase") });
  let sure = false;
  erase.addEventListener("blur", () => { sure = false; erase.textContent = t("owner_erase"); });
  erase.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      erase.textContent = t("erase_sure");
      return;
    }
    await fetchJson("/owner/records", { method: "DELETE", headers: SENT });
    await show();
  });
  const leave = make("button", { type: "button", textContent: t("owner_log_out"), onclick: async () => {
    await fetchJson("/owner/logout", { method: "POST", headers: SENT });
    logIn();
  } });
  return make("nav", {}, make("a", { href: "/owner/export.jsonl", download: "answers.jsonl", textContent: t("owner_export") }), erase, leave);
}

function totals(numbers) {
  return make("dl", { className: "totals" }, ...Object.entries(numbers).map(([name, value]) =>
    make("div", {}, make("dt", { textContent: t(`owner_total_${name}`) }), make("dd", { textContent: value.toLocaleString(language()) }))));
}

function stages(rows) {
  const head = ["stage", "count", "median", "most"].map((name) => make("th", { scope: "col", textContent: t(`owner_${name}`) }));
  const body = rows.map((row) => make("tr", {}, make("th", { scope: "row", textContent: row.stage }),
    ...[row.count, row.median, row.most].map((value) => make("td", { textContent: value.toLocaleString(language()) }))));
  return section("owner_stages", rows.length, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...body)));
}

function listed(name, rows) {
  return section(`owner_${name}`, rows.length, make("ol", {}, ...rows.map(answer)));
}

function section(key, count, content) {
  return make("section", {}, make("h2", { textContent: `${t(key)} (${count})` }),
    count ? content : make("p", { className: "hint", textContent: t("owner_none") }));
}

function answer(row) {
  const facts = [new Date(row.asked * 1000).toLocaleString(language()), row.status, t("seconds", { seconds: row.seconds.toFixed(1) }),
    row.slowest_step && `${row.slowest_step} ${row.slowest_seconds.toFixed(1)} s`, row.private && t("owner_is_private")];
  return make("li", {}, make("strong", { textContent: row.question, dir: "auto" }),
    make("p", { className: "hint", textContent: facts.filter(Boolean).join(" · ") }),
    row.text ? make("p", { textContent: row.text, dir: "auto" }) : null,
    row.reason ? make("p", { className: "reason", textContent: `👎 ${row.reason}`, dir: "auto" }) : null,
    ...row.held_back.map((held) => make("p", { className: "held", dir: "auto", textContent: `${t("owner_held_back")}: ${held.text} (${held.reason})` })),
    ...row.notices.map((notice) => make("p", { className: "hint", textContent: notice, dir: "auto" })));
}

document.documentElement.lang = language();
show();
