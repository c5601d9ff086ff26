/** A tag for every word: what is named in a text is marked in it. */

import { button, element, labelled, panel } from "../element.js";
import { follow, words } from "../follow.js";

/** Returns the view: `element`, `close()`. */
export default function tags(context) {
  const { model, report } = context;
  const kinds = [...new Set((model.labels ?? []).filter((tag) => tag !== "O").map(kind))];
  const field = element("textarea", { id: "text", rows: 4, spellcheck: "false", autocomplete: "off", oninput: () => typed.text(field.value) });
  const marked = element("p", { class: "marked" });
  const legend = element("p", { class: "legend" }, kinds.map((name, i) => element("span", { class: `key block c${i}` }, name)));
  let known = [];
  const colour = (name) => `c${Math.max(kinds.indexOf(name), 0) % 8}`;
  function show() {
    const runs = spans(known);
    marked.replaceChildren(...runs.flatMap(({ name, text }) => [
      name === null ? text : element("mark", { class: colour(name) }, text, "\u00a0", element("span", { class: "kind" }, name)),
      " ",
    ]));
    const named = runs.filter((run) => run.name);
    if (known.length) report.said(named.map((run) => `${run.text}: ${run.name}`).join(", ") || "nothing is named");
  }
  const typed = follow(context, {
    fresh() {
      known = [];
      show();
    },
    answers(list) {
      known.push(...list.map(({ word, tag }) => [word, tag]));
      show();
    },
    whole(answer) {
      known = answer.tokens.map((word, i) => [word, answer.tags[i]]);
      show();
    },
  }, words);
  const example = button("Try an example", () => {
    field.value = model.example;
    typed.text(field.value);
    field.focus();
  });
  const late = model.stream?.delay ? `A word is marked as soon as ${model.stream.delay === 1 ? "the next one is" : `${model.stream.delay} more are`} there.` : null;
  return {
    element: element("div", { class: "bench" },
      panel("Text", labelled("Who, where, when?", field), element("p", { class: "row" }, example)),
      panel("What is named", marked, legend, late && element("p", { class: "note" }, late))),
    close: typed.close,
  };
}

const kind = (tag) => tag.replace(/^[A-Z]-/, "");

/** Returns runs of words with one name, or none: {name, text}. */
function spans(known) {
  const runs = [];
  for (const [word, tag] of known) {
    const name = tag === "O" ? null : kind(tag);
    const last = runs.at(-1);
    if (last && last.name === name && (name === null || /^[IEM]-/.test(tag))) last.text += ` ${word}`;
    else runs.push({ name, text: word });
  }
  return runs;
}
