// Filters over what stands on the page already; without this script everything can be read.
(() => {
  const form = document.getElementById("filters");
  const questions = [...document.querySelectorAll("article.question")];
  const texts = new Map();

  const textOf = (question) => {
    if (!texts.has(question)) texts.set(question, question.textContent.toLowerCase());
    return texts.get(question);
  };
  const value = (name) => form.elements[name]?.value ?? "";
  const ticked = (name) => form.elements[name]?.checked ?? false;

  const matches = (question) => {
    const data = question.dataset;
    const outcome = value("outcome");
    return (
      (!value("kind") || data.kind === value("kind")) &&
      (!outcome || (outcome === "not-right" ? !("right" in data) : data.outcome === outcome)) &&
      (!value("tag") || JSON.parse(data.tags).includes(value("tag"))) &&
      (!ticked("changed") || "changed" in data) &&
      (!ticked("disagreement") || "disagreement" in data) &&
      textOf(question).includes(value("text").trim().toLowerCase())
    );
  };
  const show = () => {
    for (const question of questions) question.hidden = !matches(question);
    const shown = questions.filter((question) => !question.hidden).length;
    form.querySelector("output").textContent = `${shown} of ${questions.length} shown`;
  };
  const setOpen = (list, open) => {
    for (const question of list) question.firstElementChild.open = open;
  };

  // A link to a question, or to a citation in it, opens what is closed and shows what is filtered.
  const follow = () => {
    let id = location.hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* it was not encoded */ }
    const target = document.getElementById(id);
    const question = target?.closest("article.question");
    if (!question) return;
    if (question.hidden) { form.reset(); show(); }
    setOpen([question], true);
    target.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("open").addEventListener("click", () =>
    setOpen(questions.filter((question) => !question.hidden), true));
  document.getElementById("close").addEventListener("click", () => setOpen(questions, false));
  addEventListener("hashchange", follow);
  show();
  follow();
})();
