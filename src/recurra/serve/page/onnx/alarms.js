/** What is unusual in a series, as the task `anomaly_detection` has it. */

import { gauge, measured, moment, surprise } from "./statistics.js";
import { Steps } from "./stream.js";
import { series } from "./tables.js";
import { reals } from "./tensors.js";

const rounded = (score) => Math.round(score * 1e6) / 1e6;

export async function open(model) {
  const codec = await model.json("watch.json"), { names } = codec;
  const { recipe } = model.described, count = names.length;
  if (codec.calendar.length) throw new Error("a model that reads the calendar is not in the browser yet");

  const begin = (options) => ({
    gauge: gauge(count, codec.drift),
    surprise: surprise(count, options),
    said: null,
    waiting: [],
  });

  /** Return the step of a row; what it is compared with waits for the scores. */
  function read(memory, values) {
    const { features, moved } = measured(memory.gauge, values);
    memory.waiting.push({ values, moved });
    return reals(features, [1, features.length]);
  }

  /** Return what is said of the next row that waits: scores foretell the one after it. */
  function told(memory, scores, options) {
    const { values, moved } = memory.waiting.shift(), size = scores.length / count;
    const errors = moved.map((one, k) => {
      return memory.said ? Math.abs(Math.fround(one) - memory.said[k * size]) : NaN;
    });
    memory.said = Array.from(scores);
    return moment(memory.surprise, errors, values, options);
  }

  async function watched({ id, times, values }, options) {
    const memory = begin(checked(options)), steps = new Steps(model), moments = [];
    for (const row of values) {
      const [scores] = await steps.step(read(memory, row));
      moments.push(told(memory, scores, options));
    }
    return {
      series: id,
      rows: values.length,
      threshold: options.threshold,
      alarms: alarms(moments, times, names),
      scores: moments.map(({ score }) => rounded(score)),
    };
  }

  function checked(options) {
    if (options.surprise === "error") return options;
    throw new Error(`surprise ${options.surprise} is not in the browser yet; take error`);
  }

  return {
    async predict(given, options) {
      const found = [];
      for (const one of series(given, codec.form, names)) found.push(await watched(one, options));
      return { path: "the series", series: found };
    },
    stream: {
      unit: "row",
      says: "alarm",
      begin: () => begin(checked(recipe)),
      read(memory, frame) {
        const plain = Array.isArray(frame) || frame instanceof Float32Array;
        const given = Array.from(plain ? frame : (frame?.values ?? []), (one) => (one === null ? NaN : Number(one)));
        if (!given.length || given.length % count || given.some((one) => Math.abs(one) === Infinity)) {
          throw new Error(`a frame has ${given.length} values; this model reads ${count} a row: ${names.join(", ")}`);
        }
        const rows = Array.from({ length: given.length / count }, (_, i) => given.slice(i * count, (i + 1) * count));
        return rows.map((row) => read(memory, row));
      },
      say(memory, scores, step) {
        const { score, channel, alarm, since } = told(memory, scores, recipe);
        const began = since < 0 ? null : step - since;
        return { step, score: rounded(score), alarm, channel: names[channel] ?? null, since: began };
      },
    },
  };
}

/** Return the alarms, from the first step of each to its last. */
function alarms(moments, times, names) {
  const spans = [];
  moments.forEach(({ score, alarm, since }, step) => {
    if (since === 0) spans.push({ first: step, last: step, best: step });
    if (!alarm) return;
    const span = spans.at(-1);
    span.last = step;
    if (score > moments[span.best].score) span.best = step;
  });
  return spans.map(({ first, last, best }) => ({
    since: times[first],
    until: times[last],
    score: moments[best].score,
    channel: names[moments[best].channel] ?? "",
  }));
}
