/** The class of a picture: drawn here, or dropped. */

import { asking } from "../ask.js";
import { bars } from "../bars.js";
import { base64, drop } from "../drop.js";
import { button, element, panel, percent } from "../element.js";
import { shown } from "../pixels.js";
import { sketch } from "../sketch.js";
import { digit } from "../strokes.js";

const DEBOUNCE = 120;

/** Returns the view. */
export default function image(context) {
  const { model, report } = context;
  const ask = asking(context);
  const answers = bars(model.labels ?? []);
  const headline = element("p", { class: "headline" }, "–");
  const seen = element("div", { class: "row" });
  let timer, example = 2;
  const field = sketch(() => {
    clearTimeout(timer);
    timer = setTimeout(read, DEBOUNCE);
  });
  async function read() {
    const pixels = field.pixels(model.shape);
    seen.replaceChildren(shown(pixels, "What the model sees"), element("span", { class: "note" }, `what the model sees: ${model.shape.join(" × ")}`));
    tell(pixels.flat(2).some((value) => value > 0) ? await ask({ pixels }) : null);
  }
  function tell(answer) {
    answers.show(answer?.probabilities ?? null);
    headline.textContent = answer?.label ?? "–";
    if (answer) report.said(`${answer.label}, ${percent(answer.probability)}`);
  }
  async function take(file, bytes) {
    const url = URL.createObjectURL(file);
    seen.replaceChildren(element("img", { class: "seen", src: url, alt: file.name, onload: () => URL.revokeObjectURL(url) }), element("span", { class: "note" }, file.name));
    tell(await ask({ file: base64(bytes) }, { file: file.name }));
  }
  const next = () => field.trace(digit((example = (example + 1) % 10)));
  return {
    element: element("div", { class: "bench" },
      panel("Picture", field.element,
        element("p", { class: "row" }, button("Draw an example", next), button("Clear", () => (field.clear(), read()))),
        drop("or drop a picture here", "image/*", take, report.failed)),
      panel("Answer", headline, answers.element, seen)),
    close: () => clearTimeout(timer),
  };
}
