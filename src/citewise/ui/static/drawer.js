// The conversations: open one, begin one, throw one away; and the page's settings.
import { conversationActions } from "./extend.js";
import { icon, iconButton, make, textButton } from "./dom.js";
import { THEMES, setTheme, theme } from "./settings.js";
import { language, languages, t } from "./texts.js";

let list = null;

// `on` holds open, begin, remove, changeLanguage and close.
export function buildDrawer(on) {
  list = make("ul", { id: "cw-conversations" });
  return make("nav", { id: "cw-drawer", "aria-label": t("conversations") },
    make("div", { className: "cw-brand" }, make("span", { className: "cw-logo", "aria-hidden": "true", textContent: "[1]" }),
      make("span", { textContent: "citewise" }), iconButton("close", t("close"), on.close, { id: "cw-drawer-close" })),
    textButton("plus", t("new"), on.begin, { id: "cw-new", className: "cw-button cw-wide" }),
    list,
    make("div", { className: "cw-settings" }, themeChoice(), languageChoice(on.changeLanguage)));
}

export function drawConversations(all, currentId, on) {
  const items = all.map((conversation) => {
    const open = make("button", {
      type: "button", className: "cw-conversation", dir: "auto", textContent: conversation.title,
      title: new Date(conversation.updated).toLocaleString(language()), onclick: () => on.open(conversation.id),
    });
    if (conversation.id === currentId) open.setAttribute("aria-current", "true");
    const added = conversationActions.map((action) => action(conversation));
    const remove = iconButton("trash", t("delete_conversation", { title: conversation.title }), () => on.remove(conversation));
    return make("li", {}, open, ...added, remove);
  });
  const empty = make("li", { className: "cw-hint", textContent: t("no_conversations") });
  list.replaceChildren(...(items.length ? items : [empty]));
}

function choice(name, label, values, chosen, change) {
  const options = values.map(([value, text]) => make("option", { value, textContent: text, selected: value === chosen }));
  const select = make("select", { "aria-label": label, onchange: () => change(select.value) }, ...options);
  return make("label", { className: "cw-choice" }, icon(name), select);
}

const themeChoice = () => choice("theme", t("theme"), THEMES.map((name) => [name, t(`theme_${name}`)]), theme(), setTheme);
const languageChoice = (change) => choice("language", t("language"), languages, language(), change);
