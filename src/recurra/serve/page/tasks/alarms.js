/** What is unusual in a series: a score for every row, and alarms. */

import { asking } from "../ask.js";
import { chart, extent } from "../chart.js";
import { column, number } from "../csv.js";
import { element, panel } from "../element.js";
import { table } from "../table.js";

const PORTIONS = 60; // of a table that is streamed

/** Returns the view: `element`, `close()`. */
export default function alarms(context) {
  const { model, backend, report } = context;
  const ask = asking(context);
  const [values, scores] = [chart("Values", { height: 190 }), chart("Score", { height: 110 })];
  const list = element("ol", { class: "alarms" });
  const headline = element("p", { class: "headline small" }, "–");
  let run = 0, stream = null;

  function show(read, said, { threshold, found }) {
    const known = read ? column(read, model.channels[0]).map((value, i) => [i + 1, value]).filter((point) => Number.isFinite(point[1])) : [];
    const last = Math.max(known.length, said.length, 2);
    const spans = found.map(({ from, to }) => ({ from, to, kind: "alarm" }));
    values.draw({ lines: [{ kind: "given", points: known }], y: known.length ? undefined : [0, 1], x: [1, last], spans, text: `${found.length} alarms` });
    scores.draw({ lines: [{ kind: "c1 now", points: said.map((score, i) => [i + 1, score]) }], x: [1, last], y: [0, Math.max(1, extent(said)[1])], level: threshold, spans, text: `a score a row` });
    headline.textContent = found.length === 1 ? "1 alarm" : `${found.length} alarms`;
    list.replaceChildren(...found.map(({ text }) => element("li", {}, text)));
  }

  async function whole({ input, file, table: read }) {
    const answer = await ask(input, { file });
    if (!answer) return;
    const [one] = answer.series;
    const place = (time) => Math.max(1, (read?.rows.findIndex((row) => row[0] === time) ?? -1) + 1 || Number(time) || 1);
    const found = one.alarms.map(({ since, until, score, channel }) => ({ from: place(since), to: place(until), text: `${since} to ${until}: ${channel}, score ${score.toFixed(2)}` }));
    show(read, one.scores, { threshold: one.threshold, found });
    report.said(headline.textContent);
  }

  async function streamed({ input, file, table: read }) {
    const now = ++run;
    const said = [], found = [];
    stream?.close();
    report.asked({ body: { inputs: [{ ...input, file: "BASE64" }] }, file });
    stream = await backend.stream(model.name, {}, {
      answer(message) {
        if (now !== run) return;
        if (message.error) return report.failed(new Error(message.error));
        report.answered(message);
        for (const { step, score, alarm, channel } of message.answers) {
          said[step - 1] = score;
          const before = found.at(-1);
          if (alarm && before?.to >= step - 2) before.to = step;
          else if (alarm) found.push({ from: step, to: step, text: `from row ${step}: ${channel ?? ""}, score ${score.toFixed(2)}` });
        }
        show(read, said, { found });
        report.said(headline.textContent);
      },
      closed: (reason) => report.failed(new Error(reason)),
      lost: () => streamed({ input, file, table: read }),
    });
    const frames = rows(read, model.channels);
    const size = Math.ceil(frames.length / PORTIONS);
    for (let i = 0; i < frames.length && now === run; i += size) await stream.send(frames.slice(i, i + size), { end: i + size >= frames.length });
  }

  const take = (given) => (model.stream && given.table ? streamed(given) : whole(given));
  return {
    element: element("div", { class: "bench wide" },
      panel("Series", table(".csv,.tsv,.json,.parquet", () => example(model), take, report.failed), element("p", { class: "note" }, `Columns: ${model.channels.join(", ")}; a column of times may stand before.`)),
      panel("What is unusual", headline, element("figure", {}, element("figcaption", {}, model.channels[0] ?? "values"), values.element), element("figure", {}, element("figcaption", {}, "score"), scores.element), list)),
    close() {
      run += 1;
      stream?.close();
    },
  };
}

/** Returns the rows of a table as frames; where a number is missing, null. */
function rows({ names, rows: all }, channels) {
  const places = channels.map((name, i) => (names?.includes(name) ? names.indexOf(name) : (all[0]?.length ?? 0) - channels.length + i));
  return all.map((row) => places.map((place) => (Number.isFinite(number(row[place])) ? number(row[place]) : null)));
}

/** Returns a wave with a moment in which it jumps. */
function example({ channels }) {
  const value = (i, c) => (60_000 + 3000 * Math.sin(i / 2 + c) + 200 * Math.sin(i * i) + (i > 198 && i < 203 ? 20_000 : 0)).toFixed(1);
  return [channels.join(","), ...Array.from({ length: 300 }, (_, i) => channels.map((_, c) => value(i, c)).join(","))].join("\n");
}
