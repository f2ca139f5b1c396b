// Elements, icons and announcements. Foreign text only ever enters the page as text nodes.
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "role") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const PATHS = {
  alert: "M12 4 3 20h18zM12 10v5M12 17.6v.1",
  check: "M5 12.5 10 17.5 19 7",
  chevron: "M9 6l6 6-6 6",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  cross: "M7 7l10 10M17 7 7 17",
  document: "M7 3h7l4 4v14H7zM14 3v4h4M10 12h5M10 16h5",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  language: "M4 6h9M8.5 4v2c0 4-2 7-4.5 8.5M6 9c1 3 3 4.500 5.500 5.500M12.500 20 16.500 10 20.500 20M14 17h5",
  menu: "M4 7h16M4 12h16M4 17h16",
  missing: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14M16.200 16.200 21 21M8.500 11h5",
  next: "M9 6l6 6-6 6",
  panel: "M4 5h16v14H4zM14 5v14",
  partly: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16M8 12h8",
  plus: "M12 5v14M5 12h14",
  previous: "M15 6l-6 6 6 6",
  quote: "M9 7H5v5h4zM9 12c0 3-1.500 4.500-3.500 5M18 7h-4v5h4zM18 12c0 3-1.500 4.500-3.500 5",
  retry: "M19 12a7 7 0 1 1-2-5M17.500 3v4.500H13",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.500 11v5M13.500 11v5",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "cw-icon");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

// A button that shows an icon, and its name to who hovers or hears.
export function iconButton(name, label, onclick, properties = {}) {
  return make("button", {
    type: "button", className: "cw-icon-button", "aria-label": label, title: label, onclick, ...properties,
  }, icon(name));
}

export function textButton(name, label, onclick, properties = {}) {
  return make("button", { type: "button", className: "cw-button", onclick, ...properties },
    icon(name), make("span", { textContent: label }));
}

// Tells screen readers what happened, without reading out every word that is streamed.
export function announce(text) {
  const live = document.getElementById("cw-live");
  if (!live) return;
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 50);
}

export function clip(text, limit) {
  const flat = text.replace(/\s+/g, " ").trim();
  if (flat.length <= limit) return flat;
  const cut = flat.slice(0, limit - 1);
  const space = cut.lastIndexOf(" ");
  return (space > limit * 0.7 ? cut.slice(0, space) : cut) + "…";
}

export const narrow = () => window.matchMedia("(max-width: 899px)").matches;
