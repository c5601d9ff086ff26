/** Drawings of the types of recurrent network: inputs below, states between, outputs above. */

import { drawn } from "./element.js";

/** The types, from the simplest on, with the steps that have an input and an output. */
export const TYPES = {
  "one-to-one": [[1], [1]],
  "one-to-many": [[0], [0, 1, 2]],
  "many-to-one": [[0, 1, 2], [2]],
  "many-to-many equal": [[0, 1, 2], [0, 1, 2]],
  "many-to-many unequal": [[0, 1], [1, 2]],
};

/** Returns the drawing of a type; a text beside it is expected to name it. */
export function glyph(type) {
  const [inputs, outputs] = TYPES[type] ?? [[], []];
  const states = type === "one-to-one" ? [1] : [0, 1, 2];
  const dots = (steps, y, kind) => steps.map((step) => drawn("circle", { class: kind, cx: 4 + 10 * step, cy: y, r: 2.4 }));
  const stems = (steps, from, to) => steps.map((step) => drawn("path", { d: `M${4 + 10 * step} ${from}V${to}` }));
  return drawn("svg", { class: "glyph", viewBox: "0 0 28 28", "aria-hidden": "true" },
    states.length > 1 ? drawn("path", { d: "M4 14H24" }) : null,
    stems(inputs, 14, 24), stems(outputs, 4, 14),
    dots(inputs, 24, "in"), dots(states, 14, "state"), dots(outputs, 4, "out"));
}
