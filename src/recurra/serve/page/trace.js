/** How the probabilities of labels came about, step by step. */

import { chart } from "./chart.js";
import { element } from "./element.js";
import { likeliest } from "./bars.js";

const SHOWN = 6; // labels with a line of their own

/**
 * Returns a trace: `element`, `add(answers)`, `clear()`, `probabilities` of now, and `steps`.
 * @param {string} unit what a step is.
 * @param {number|null} seconds of a step, where it is of time.
 */
export function trace(unit, seconds = null) {
  const drawing = chart("Probabilities so far", { height: 170 });
  const legend = element("p", { class: "legend" });
  let steps = [];
  function draw() {
    const peaks = {};
    for (const { probabilities } of steps)
      for (const [label, p] of Object.entries(probabilities)) peaks[label] = Math.max(peaks[label] ?? 0, p);
    const order = Object.keys(peaks);
    const named = order.toSorted((a, b) => peaks[b] - peaks[a]).slice(0, SHOWN).toSorted((a, b) => order.indexOf(a) - order.indexOf(b));
    const now = likeliest(steps.at(-1).probabilities);
    const at = (step) => (seconds === null ? step : step * seconds);
    const last = at(steps.at(-1).step);
    drawing.draw({
      lines: named.map((label, i) => ({ kind: `c${i}${label === now ? " now" : ""}`, points: steps.map((one) => [at(one.step), one.probabilities[label]]) })),
      x: [seconds === null ? 1 : 0, Math.max(last, seconds === null ? 2 : 0.1)],
      y: [0, 1],
      tick: (value) => (seconds === null ? (Number.isInteger(value) ? value : "") : `${Number(value.toFixed(2))} s`),
      text: `${now} after ${steps.length} ${unit}${steps.length === 1 ? "" : "s"}`,
    });
    legend.replaceChildren(...named.map((label, i) => element("span", { class: `key c${i}` }, label)));
  }
  return {
    element: element("figure", { class: "trace" }, element("figcaption", {}, seconds === null ? `after each ${unit}` : "over time"), drawing.element, legend),
    get probabilities() {
      return steps.at(-1)?.probabilities ?? null;
    },
    get steps() {
      return steps;
    },
    add(answers) {
      steps.push(...answers);
      if (steps.length) draw();
    },
    clear() {
      steps = [];
      drawing.clear();
      legend.replaceChildren();
    },
  };
}
