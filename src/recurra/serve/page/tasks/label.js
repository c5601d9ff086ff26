/** The label of a text, while it is typed. */

import { bars } from "../bars.js";
import { button, element, labelled, panel, percent } from "../element.js";
import { follow, words } from "../follow.js";
import { trace } from "../trace.js";

/** Returns the view: `element`, `close()`. */
export default function label(context) {
  const { model, report } = context;
  const field = element("textarea", { id: "text", rows: 4, spellcheck: "false", autocomplete: "off", oninput: () => typed.text(field.value) });
  const shown = bars(model.labels ?? []);
  const course = trace(model.stream?.unit ?? "word");
  const headline = element("p", { class: "headline" }, "–");
  const tell = (probabilities) => {
    shown.show(probabilities);
    const [best, p] = Object.entries(probabilities ?? {}).toSorted((a, b) => b[1] - a[1])[0] ?? [];
    headline.textContent = best ?? "–";
    if (best) report.said(`${best}, ${percent(p)}`);
  };
  const typed = follow(context, {
    fresh() {
      course.clear();
      tell(null);
    },
    answers(list) {
      course.add(list);
      tell(course.probabilities);
    },
    whole: (answer) => tell(answer.probabilities),
  }, words);
  const example = button("Try an example", () => {
    field.value = model.example;
    typed.text(field.value);
    field.focus();
  });
  return {
    element: element("div", { class: "bench" },
      panel("Text", labelled("Type a sentence", field), element("p", { class: "row" }, example)),
      panel("Answer", headline, shown.element, model.stream ? course.element : null)),
    close: typed.close,
  };
}
