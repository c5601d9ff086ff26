/** What is said in a recording, and when. */

import { element, panel, percent } from "../element.js";
import { hearing } from "../hearing.js";

/** Returns the view: `element`, `close()`. */
export default function speech(context) {
  const { model, report } = context;
  const text = element("p", { class: "headline sentence transcript" }, "–");
  const note = element("p", { class: "note" });
  const at = (seconds) => element("span", { class: "when" }, `${seconds.toFixed(2)} s`);
  let said = "";
  const heard = hearing(context, {
    fresh() {
      said = "";
      text.replaceChildren("–");
      note.textContent = "";
    },
    answers(list) {
      for (const one of list.filter((answer) => answer.text)) {
        if (!said) text.replaceChildren();
        // a word has its time where it begins
        if (!said || /\s$/.test(said) || /^\s/.test(one.text)) text.append(at(one.step * (model.stream.seconds ?? 0)));
        text.append(one.text);
        said += one.text;
      }
      if (said) report.said(said);
    },
    whole(answer) {
      text.replaceChildren(...answer.words.flatMap((word) => [at(word.start), element("span", { title: `${percent(word.confidence)} sure` }, word.word), " "]));
      if (!answer.words.length) text.textContent = "(nothing)";
      note.textContent = `${percent(answer.confidence)} sure of all of it, ${answer.seconds.toFixed(2)} s`;
      report.said(answer.text || "nothing is heard");
    },
  });
  return {
    element: element("div", { class: "bench" }, panel("Recording", heard.element), panel("What is heard", text, note)),
    close: heard.close,
  };
}
