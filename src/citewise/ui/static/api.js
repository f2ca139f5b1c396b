// The server's routes.
import { t } from "./texts.js";

export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export async function fetchJson(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { ...options, headers: { Accept: "application/json", ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("unreachable", t("unreachable"));
  }
  return readJson(response);
}

async function readJson(response) {
  let body = {};
  try {
    body = await response.json();
  } catch { /* whatever stands in the way of the server answers in its own words */ }
  if (!response.ok) throw new Refused(body.error ?? String(response.status), body.message ?? t("unreadable"));
  return body;
}

// Asks, and gives each event as it comes. Throws where the connection breaks before the last one.
export async function* ask(body, signal) {
  const sent = { method: "POST", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let response;
  try {
    response = await fetch("/api/ask", sent);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("unreachable", t("unreachable"));
  }
  if (!response.ok) await readJson(response);
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of chunks(response.body)) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

// Not every browser lets a stream be iterated.
async function* chunks(stream) {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("broken", t("broken_off"));
  } finally {
    reader.cancel().catch(() => {});
  }
}
