// Conversations, kept in this browser: they survive a reload and a restart of the server.
// Each has a key of its own, so that two tabs with two conversations do not overwrite each other.
import { read, write } from "./settings.js";

const KEY = "conversation.";
const MOST = 100;
const VERSION = 1;

const newId = () => Date.now().toString(36) + Math.random().toString(36).slice(2, 8);

export const newConversation = () => ({ version: VERSION, id: newId(), title: "", updated: Date.now(), turns: [] });

export const newTurn = (question) => ({
  id: newId(), question, state: "asking", asked: Date.now(), evidence: null, draft: "", sentences: [],
  answer: null, error: "", followups: [],
});

// Whatever lies in storage may be older, broken or not ours; what cannot be read is left out.
function parsed(text) {
  try {
    const found = JSON.parse(text);
    const fits = found.version === VERSION && typeof found.id === "string" && Array.isArray(found.turns);
    if (!fits || !found.turns.every((turn) => turn && typeof turn.question === "string")) return null;
    for (const turn of found.turns) {
      if (turn.state === "asking") turn.state = "interrupted";
      turn.followups ??= [];
      turn.sentences ??= [];
    }
    return found;
  } catch {
    return null;
  }
}

function keys() {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith("citewise." + KEY));
  } catch {
    return [];
  }
}

export function conversations() {
  const all = keys().map((key) => parsed(read(key.slice("citewise.".length)))).filter(Boolean);
  return all.sort((a, b) => b.updated - a.updated);
}

export function load(id) {
  const text = id ? read(KEY + id) : null;
  return text ? parsed(text) : null;
}

// The oldest make room when the browser's storage is full.
export function save(conversation) {
  if (!conversation.turns.length) return true;
  conversation.updated = Date.now();
  const text = JSON.stringify(conversation);
  const others = conversations().filter((other) => other.id !== conversation.id);
  for (const old of others.slice(MOST - 1)) remove(old.id);
  const oldest = others.slice(0, MOST - 1).reverse();
  while (!write(KEY + conversation.id, text)) {
    const old = oldest.shift();
    if (!old) return false;
    remove(old.id);
  }
  return true;
}

export const remove = (id) => write(KEY + id, null);
export const current = () => read("current");
export const setCurrent = (id) => write("current", id);
