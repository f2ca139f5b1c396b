// One file on its way to the server, with the bytes that have left so far.
import { Refused } from "./api.js";
import { language, t } from "./texts.js";

export function size(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toLocaleString(language(), { maximumFractionDigits: value < 10 && power ? 1 : 0 })} ${units[power]}`;
}

// What the server would refuse anyway is told before anything is sent.
export function refusal(file, { limits, used }) {
  if (!file.size) return t("file_empty");
  if (file.size > limits.file_bytes) return t("file_too_large", { size: size(file.size), most: size(limits.file_bytes) });
  if (used.bytes + file.size > limits.visitor_bytes) return t("files_too_large", { most: size(limits.visitor_bytes) });
  if (used.files >= limits.visitor_files) return t("too_many_files", { most: limits.visitor_files });
  return null;
}

// fetch tells nothing of what has been sent; XMLHttpRequest does.
export function sendFile(file, progress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => progress(event.loaded));
    request.addEventListener("load", () => (request.status === 201 ? resolve() : reject(refused(request))));
    request.addEventListener("error", () => reject(new Refused("unreachable", t("sending_failed"))));
    request.addEventListener("abort", () => reject(new Refused("stopped", t("stopped"))));
  });
  request.open("POST", `/api/uploads?name=${encodeURIComponent(file.name)}`);
  request.setRequestHeader("X-Citewise", "1");
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.send(file);
  return { done, stop: () => request.abort() };
}

function refused(request) {
  try {
    const { error, message } = JSON.parse(request.responseText);
    return new Refused(error, message);
  } catch {
    return new Refused(String(request.status), t("sending_failed"));
  }
}
