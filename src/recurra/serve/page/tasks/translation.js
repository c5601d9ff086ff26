/** A text written from a text, and where the model looked for each part of it. */

import { asking } from "../ask.js";
import { button, element, labelled, panel } from "../element.js";

/** Returns the view. */
export default function translation(context) {
  const { model, report } = context;
  const ask = asking(context);
  const field = element("textarea", { id: "text", rows: 3, spellcheck: "false", onkeydown(event) {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      translate();
    }
  } }, model.example);
  const written = element("p", { class: "headline" }, "–");
  const looked = element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Where it looked" });
  async function translate() {
    if (!field.value.trim()) return;
    const answer = await ask(field.value);
    if (!answer) return;
    written.textContent = answer.text;
    report.said(answer.text);
    looked.replaceChildren(map(answer));
  }
  return {
    element: element("div", { class: "bench" },
      panel("Source", labelled("Text to write anew", field), element("p", { class: "row" }, button("Translate", translate, { class: "main" }), element("span", { class: "note" }, "or Enter"))),
      panel("Written", written, element("p", { class: "note" }, "Each row is a part that was written; the darker a cell, the more the model looked at the part of the source above it. Move over a row, or through the rows with the tab key."), looked)),
  };
}

/** Returns the attention as a table: source above, what was written at the side. */
function map({ source_tokens: source, tokens, attention }) {
  const heads = source.map((token) => element("th", { scope: "col" }, part(token)));
  const light = (weights) => heads.forEach((head, j) => head.style.setProperty("--p", weights ? weights[j] : 0));
  const rows = tokens.map((token, i) => {
    const weights = attention[i] ?? [];
    const most = source[weights.indexOf(Math.max(...weights))];
    const on = () => light(weights);
    const off = () => light(null);
    return element("tr", { tabindex: 0, onmouseenter: on, onmouseleave: off, onfocus: on, onblur: off, "aria-label": `${part(token)} looked most at ${part(most ?? "")}` },
      element("th", { scope: "row" }, part(token)),
      weights.map((p, j) => element("td", { "--p": p, title: `${part(token)} ← ${part(source[j])}: ${p.toFixed(3)}` })));
  });
  return element("table", { class: "attention" }, element("thead", {}, element("tr", {}, element("td"), heads)), element("tbody", {}, rows));
}

const part = (token) => token.replaceAll("▁", "␣");
