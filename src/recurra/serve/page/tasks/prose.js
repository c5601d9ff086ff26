/** A language model: how a text goes on, and how much each of its parts surprises. */

import { button, element, labelled, panel } from "../element.js";
import { characters, follow } from "../follow.js";

const HIGH = 10; // bits that are drawn as the most

/** Returns the view: `element`, `close()`. */
export default function prose(context) {
  const { model, backend, report } = context;
  const field = element("textarea", { id: "text", rows: 5, spellcheck: "false", autocomplete: "off", oninput: () => typed.text(field.value) }, model.example);
  const heat = element("input", { id: "heat", type: "range", min: 0, max: 1.5, step: 0.05, value: 0.8, oninput: () => (told.textContent = Number(heat.value).toFixed(2)) });
  const told = element("output", { for: "heat" }, "0.80");
  const most = element("input", { id: "most", type: "number", min: 1, max: 2000, value: 300 });
  const before = element("span", { class: "given" });
  const after = element("span");
  const page = element("p", { class: "prose", tabindex: 0, role: "region", "aria-label": "What was written" }, before, after);
  const coloured = element("p", { class: "prose surprise" });
  const figure = element("p", { class: "note" }, "bits of each part: how much it surprises after all before it");
  let writing = null, bits = [];

  const typed = follow(context, {
    fresh() {
      bits = [];
      coloured.replaceChildren();
    },
    answers: (list) => surprise(list.map((one) => [one.unit, one.bits])),
    whole(answer) {
      bits = [];
      coloured.replaceChildren();
      surprise(answer.tokens.map((token, i) => [token, answer.surprises[i]]));
    },
  }, characters);

  function surprise(parts) {
    bits.push(...parts.map((part) => part[1]));
    coloured.append(...parts.map(([text, b]) => element("span", { "--p": Math.min(b / HIGH, 1), title: `${text}: ${b.toFixed(2)} bits` }, text)));
    const mean = bits.reduce((sum, b) => sum + b, 0) / (bits.length || 1);
    figure.textContent = `${mean.toFixed(2)} bits on average over ${bits.length} parts`;
    report.said(figure.textContent);
  }

  async function write() {
    if (writing) return writing.abort();
    writing = new AbortController();
    go.textContent = "Stop";
    [before.textContent, after.textContent] = [field.value, ""];
    const options = { temperature: Number(heat.value), max_length: Number(most.value) || 300, seed: Math.floor(1e6 * Math.random()) };
    report.asked({ verb: "generate", body: { prompt: field.value, options } });
    let parts = 0;
    const tell = (text) => {
      if (parts++ || text !== before.textContent) after.append(text); // what is told first may be the beginning
    };
    try {
      const answer = await backend.generate(model.name, field.value, options, tell, writing.signal);
      report.answered(answer);
      report.said(answer.text);
    } catch (error) {
      report.failed(error);
    }
    writing = null;
    go.textContent = "Write on";
  }
  const go = button("Write on", write, { class: "main" });
  typed.text(field.value);
  return {
    element: element("div", { class: "bench" },
      panel("Text", labelled("A beginning", field),
        element("div", { class: "field" }, element("label", { for: "heat" }, "Temperature ", told), heat, element("p", { class: "note" }, "0: always the likeliest; above 1: wilder than the text it learnt from")),
        labelled("Parts at most", most), element("p", { class: "row" }, go)),
      element("div", { class: "column" }, panel("How it goes on", page),
      panel("How much your text surprises", coloured, element("p", { class: "ramp" }, element("span", {}, "0"), element("span", { class: "colours", "aria-hidden": "true" }), element("span", {}, `${HIGH} bits`)), figure))),
    close() {
      writing?.abort();
      typed.close();
    },
  };
}
