// Tells when the server is gone, and when it is back.
import { make } from "./dom.js";
import { t } from "./texts.js";

const EVERY_MS = 10_000;
const EVERY_MS_WHEN_GONE = 2_000;

let timer = 0;

async function beat() {
  clearTimeout(timer);
  let alive = false;
  try {
    alive = (await fetch("/healthz", { cache: "no-store" })).ok;
  } catch { /* the server is gone, which is what this is here to see */ }
  const gone = document.getElementById("cw-gone");
  if (alive) gone?.remove();
  else if (!gone) document.getElementById("citewise").append(make("div", { id: "cw-gone", role: "alert", textContent: t("gone") }));
  timer = setTimeout(beat, alive ? EVERY_MS : EVERY_MS_WHEN_GONE);
}

export function startHeartbeat() {
  timer = setTimeout(beat, EVERY_MS);
}

export const checkNow = beat;
