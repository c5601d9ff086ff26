/** Probabilities of labels as bars on one scale, which move. */

import { element, percent } from "./element.js";

/**
 * Returns bars: `element` and `show(probabilities)`; null takes the answer away.
 * @param {string[]} labels in the order in which they stand.
 */
export function bars(labels) {
  const rows = new Map();
  const list = element("dl", { class: "bars" });
  const row = (label) => {
    const figure = element("span", { class: "figure" }, "–");
    const bar = element("div", { class: "bar" }, element("dt", {}, label), element("dd", {}, element("span", { class: "scale" }), figure));
    rows.set(label, { bar, figure });
    list.append(bar);
    return rows.get(label);
  };
  labels.forEach(row);
  return {
    element: list,
    show(probabilities) {
      const best = probabilities && likeliest(probabilities);
      for (const label of Object.keys(probabilities ?? {})) if (!rows.has(label)) row(label);
      for (const [label, { bar, figure }] of rows) {
        const p = probabilities?.[label] ?? 0;
        bar.style.setProperty("--p", p);
        bar.classList.toggle("best", label === best);
        figure.textContent = probabilities ? percent(p) : "–";
      }
    },
  };
}

/** Returns the label with the highest probability. */
export function likeliest(probabilities) {
  return Object.entries(probabilities).reduce((best, one) => (one[1] > best[1] ? one : best), ["", -1])[0];
}
