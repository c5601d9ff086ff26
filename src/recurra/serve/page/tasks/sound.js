/** What a sound is, and since when that is known. */

import { bars, likeliest } from "../bars.js";
import { element, panel, percent } from "../element.js";
import { hearing } from "../hearing.js";
import { trace } from "../trace.js";

/** Returns the view: `element`, `close()`. */
export default function sound(context) {
  const { model, report } = context;
  const shown = bars(model.labels ?? []);
  const course = trace(model.stream?.unit ?? "sample", model.stream?.seconds ?? 1);
  const headline = element("p", { class: "headline" }, "–");
  const since = element("p", { class: "note" });
  function tell(probabilities) {
    const best = probabilities && likeliest(probabilities);
    shown.show(probabilities);
    headline.textContent = best ?? "–";
    if (best) report.said(`${best}, ${percent(probabilities[best])}`);
  }
  const heard = hearing(context, {
    fresh() {
      course.clear();
      since.textContent = "";
      tell(null);
    },
    answers(list) {
      course.add(list);
      tell(course.probabilities);
    },
    whole(answer) {
      tell(answer.probabilities);
      since.textContent = answer.since === null ? "" : `so since ${answer.since.toFixed(2)} s of ${answer.seconds.toFixed(2)} s`;
    },
  });
  return {
    element: element("div", { class: "bench" }, panel("Sound", heard.element), panel("Answer", headline, since, shown.element, model.stream ? course.element : null)),
    close: heard.close,
  };
}
