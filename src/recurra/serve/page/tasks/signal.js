/** The class of a signal, or of each of its steps. */

import { asking } from "../ask.js";
import { bars, likeliest } from "../bars.js";
import { chart } from "../chart.js";
import { number } from "../csv.js";
import { element, panel, percent } from "../element.js";
import { table } from "../table.js";
import { trace } from "../trace.js";

const PORTIONS = 40; // of a signal that is streamed

/** Returns the view: `element`, `close()`. */
export default function signal(context) {
  const { model, backend, report } = context;
  const ask = asking(context);
  const drawing = chart("Signal", { height: 170 });
  const shown = bars(model.labels ?? []);
  const course = trace("step");
  const headline = element("p", { class: "headline" }, "–");
  let run = 0, stream = null;
  function tell(probabilities) {
    const best = probabilities && likeliest(probabilities);
    shown.show(probabilities);
    headline.textContent = best ?? "–";
    if (best) report.said(`${best}, ${percent(probabilities[best])}`);
  }
  function draw(values) {
    const lines = model.channels.map((_, c) => ({ kind: `c${c % 8} thin`, points: values.map((row, i) => [i + 1, row[c]]).filter((point) => Number.isFinite(point[1])) }));
    drawing.draw({ lines, text: `${values.length} steps of ${model.channels.length} channels` });
  }
  function told(answer) {
    const heard = answer.heard ?? (Array.isArray(answer.labels) ? answer.probabilities : null);
    const labels = heard && Object.keys(heard);
    if (heard) course.add(heard[labels[0]].map((_, i) => ({ step: i + 1, probabilities: Object.fromEntries(labels.map((label) => [label, heard[label][i]])) })));
    tell(answer.heard || !heard ? answer.probabilities : course.probabilities);
  }
  async function take({ input, file, table: read }) {
    const values = read && matched(read, model.channels);
    const now = ++run;
    stream?.close();
    course.clear();
    tell(null);
    if (values) draw(values);
    if (values && model.stream) return streamed(values, now);
    const answer = await (values ? ask({ values }) : ask(input, { file }));
    if (answer) told(answer.signals?.[0] ?? answer);
    return undefined;
  }
  async function streamed(values, now) {
    report.asked({ body: { inputs: [{ values }] } });
    stream = await backend.stream(model.name, {}, {
      answer(message) {
        if (now !== run) return;
        if (message.error) return report.failed(new Error(message.error));
        report.answered(message);
        course.add(message.answers);
        tell(course.probabilities);
      },
      closed: (reason) => report.failed(new Error(reason)),
      lost: () => course.clear() ?? streamed(values, now),
    });
    const size = Math.ceil(values.length / PORTIONS);
    for (let i = 0; i < values.length && now === run; i += size) await stream.send(values.slice(i, i + size), { end: i + size >= values.length });
  }
  return {
    element: element("div", { class: "bench" },
      panel("Signal", table(".csv,.tsv,.ts,.npz", () => example(model), take, report.failed), element("p", { class: "note" }, `A row a step, ${model.channels.length} columns: ${model.channels.slice(0, 4).join(", ")}${model.channels.length > 4 ? " …" : "."}`), drawing.element),
      panel("Answer", headline, shown.element, course.element)),
    close() {
      run += 1;
      stream?.close();
    },
  };
}

/** Returns a table's numbers, a row a step, where it has as many columns as the model; else null. */
function matched({ rows }, channels) {
  if (rows[0]?.length !== channels.length) return null;
  return rows.map((row) => row.map((cell) => (Number.isFinite(number(cell)) ? number(cell) : null)));
}

/** Returns slow waves, one for each channel. */
function example({ channels }) {
  const value = (i, c) => (Math.sin(i / 5 + c) / (1 + c / 2) + 0.05 * Math.sin(i * i + c)).toFixed(4);
  return [channels.join(","), ...Array.from({ length: 24 }, (_, i) => channels.map((_, c) => value(i, c)).join(","))].join("\n");
}
