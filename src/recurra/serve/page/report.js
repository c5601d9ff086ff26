/** What is below every model: errors, the answer as JSON, the same question as a command. */

import { button, element } from "./element.js";

const PAUSE = 900; // milliseconds without news, until a screen reader is told
const LONGEST = 40_000; // characters of JSON that are shown

/**
 * Returns the report of a model's answers.
 * @returns {object} `element`; `asked(question)`, where a question is a body of predict or generate,
 *   and its `file` the name of what stands for content in base64; `answered(answer)`; `said(text)` to
 *   those who listen; `failed(error)`; `clear()`.
 */
export function report(backend, model) {
  const failed = element("p", { class: "failed", role: "alert" });
  const live = element("p", { class: "unseen", "aria-live": "polite" });
  const json = element("pre", { tabindex: 0, "aria-label": "Answer as JSON" }, "Nothing has been asked yet.");
  const command = element("pre", { tabindex: 0, "aria-label": "Command" }, "Nothing has been asked yet.");
  const told = element("details", { class: "fold" }, element("summary", {}, "Answer as JSON"), json);
  const typed = element("details", { class: "fold" }, element("summary", {}, "As a command"), command, copying(command));
  let timer, answer;
  const show = () => told.open && answer !== undefined && (json.textContent = shown(answer));
  told.addEventListener("toggle", show);
  return {
    element: element("div", { class: "report" }, failed, live, told, "keyed" in backend ? typed : null),
    asked({ verb = "predict", body, file = null }) {
      command.textContent = curl(model.name, verb, body, file, backend.keyed);
    },
    answered(given) {
      answer = given;
      failed.textContent = "";
      show();
    },
    said(text) {
      clearTimeout(timer);
      timer = setTimeout(() => (live.textContent = text), PAUSE);
    },
    failed(error) {
      if (error?.name !== "AbortError") failed.textContent = error?.message ?? String(error);
    },
    clear() {
      failed.textContent = "";
    },
  };
}

function shown(answer) {
  const text = JSON.stringify(answer, null, 1).replace(/\[[^[\]{}]*\]/g, (list) => list.replace(/\s+/g, " "));
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… ${text.length - LONGEST} characters more` : text;
}

function copying(command) {
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(command.textContent);
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  return copy;
}

function curl(name, verb, body, file, keyed) {
  const address = new URL(`v1/models/${encodeURIComponent(name)}/${verb}`, document.baseURI);
  const quoted = JSON.stringify(body).replaceAll("'", "'\\''");
  // a file goes in through standard input: a command line has a limit
  const [before, after] = quoted.split("BASE64");
  const content = file === null ? `-d '${quoted}'` : "-d @-";
  const given = file === null ? "" : `(printf '%s' '${before}'; base64 -w0 ${file}; printf '%s' '${after}') |\n`;
  const key = keyed ? ' \\\n  -H "Authorization: Bearer $RECURRA_KEY"' : "";
  return `${given}curl ${verb === "generate" ? "-N " : ""}${address} \\\n  -H 'Content-Type: application/json'${key} \\\n  ${content}`;
}
