// What the server keeps of this visitor, and the way to be rid of it.
import { fetchJson } from "./api.js";
import { make } from "./dom.js";
import { toast } from "./copying.js";
import { said, t } from "./texts.js";

let about = null;

// What this server offers: whether there is an owner, whether questions can be saved.
export async function offers() {
  about ??= fetchJson("/api/mine");
  return about;
}

export function yourData(container, erased) {
  const text = make("p", { className: "cw-hint" });
  const button = make("button", { type: "button", className: "cw-button cw-erase" });
  let sure = false;
  const relax = () => {
    sure = false;
    button.textContent = t("erase_mine");
  };
  relax();
  button.addEventListener("blur", relax);
  button.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      button.textContent = t("erase_sure");
      return;
    }
    relax();
    try {
      await fetchJson("/api/mine", { method: "DELETE", headers: { "X-Citewise": "1" } });
      toast(t("erased"));
      erased();
    } catch (error) {
      text.textContent = said(error.message);
    }
  });
  container.replaceChildren(make("details", { className: "cw-mine" }, make("summary", { textContent: t("your_data") }), text, button));
  offers().then((server) => {
    const days = Math.round(server.keep_days);
    text.textContent = [t("kept_answers", { days }), server.owner ? t("owner_reads") : ""].filter(Boolean).join(" ");
  }, (error) => { text.textContent = said(error.message); });
}
