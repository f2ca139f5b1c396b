// Tells when the server is gone, and when it is back.
import { make } from "./dom.js";
import { t } from "./texts.js";

const EVERY_MS = 10_000;

async function beat() {
  let alive = false;
  try {
    alive = (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch { /* the server is gone, which is what this is here to see */ }
  const gone = document.getElementById("cw-gone");
  if (alive) gone?.remove();
  else if (!gone) document.getElementById("citewise").append(make("div", { id: "cw-gone", role: "alert", textContent: t("gone") }));
}

export function startHeartbeat() {
  setInterval(() => { if (!document.hidden) beat(); }, EVERY_MS);
}

export const checkNow = beat;
