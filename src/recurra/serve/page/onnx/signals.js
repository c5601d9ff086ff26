/** The class of a signal, or of each of its steps, as the task `signal_classification` has it. */

import { heard, settledAt } from "./running.js";
import { argmax, labelled, softmax } from "./scores.js";
import { reals } from "./tensors.js";

const LEAST = 1e-6; // of a deviation beside the channel's size: what varies less is constant

export async function open(model) {
  const codec = await model.json("signal.json");
  const { labels, channels, scale, own_scale: own, per_step: perStep } = codec;
  const width = channels.length * (1 + codec.missing);
  const name = "input 1";

  /** Return a row as the model reads it; a number that is missing is the mean, 0. */
  function row(values, { mean, deviation }) {
    const scaled = values.map((one, i) => (Number(one) - mean[i]) / deviation[i]);
    const known = values.map((one) => one !== null);
    const marks = codec.missing ? known.map(Number) : [];
    return [...scaled.map((one, i) => (known[i] ? one : 0)), ...marks];
  }

  function each(p) {
    return Object.fromEntries(labels.map((label, k) => [label, p.map((one) => one[k])]));
  }

  return {
    async predict(given) {
      const values = checked(given, codec).slice(0, codec.max_length);
      const used = own ? ownScale(values) : scale;
      const rows = values.map((one) => row(one, used));
      const x = reals(rows.flat(), [1, rows.length, width]);
      const found = await model.run("sequence", { x });
      if (perStep) {
        const { data } = found.scores;
        const p = rows.map((_, t) => softmax(data.subarray(t * labels.length, (t + 1) * labels.length)));
        const said = p.map((one) => labels[argmax(one)]);
        return { signal: name, labels: said, probabilities: each(p) };
      }
      const p = softmax(found.logits.data), best = argmax(p);
      const { probabilities } = labelled(labels, p);
      const answer = { signal: name, label: labels[best], probability: p[best], probabilities };
      if (own || !model.graphs.step) return { ...answer, since: null, heard: null };
      const all = await heard(model, rows.map((one) => reals(one, [1, width])));
      const since = settledAt([...all.slice(0, -1).map(argmax), best]);
      return { ...answer, since, heard: each(all) };
    },
    stream: !own && {
      unit: "row",
      says: perStep ? "step" : "label",
      read: (memory, frame) => rowsOf(frame, codec).map((one) => reals(row(one, scale), [1, width])),
      say(memory, scores, step) {
        const { label, probabilities } = labelled(labels, softmax(scores));
        return { step, label, probabilities };
      },
    },
  };
}

/** Return the rows of a frame: one, or an array of float32 that holds several. */
function rowsOf(frame, codec) {
  const size = codec.channels.length;
  if (!(frame instanceof Float32Array)) return checked({ values: [frame] }, codec);
  if (frame.length % size) throw new Error(`${frame.length} numbers are no rows of ${size} channels`);
  const values = Array.from({ length: frame.length / size }, (_, i) => {
    return Array.from(frame.subarray(i * size, (i + 1) * size), (one) => (Number.isNaN(one) ? null : one));
  });
  return checked({ values }, codec);
}

/** Return rows of numbers that the model can read; else throw why. */
function checked(given, { channels, missing }) {
  if (!given?.values) throw new Error("files of signals are not read in the browser yet; give values");
  const values = given.values.map((one) => (Array.isArray(one) ? one : [one]));
  if (!values.length) throw new Error("the signal has no steps");
  const wrong = values.find((one) => one.length !== channels.length);
  if (wrong) {
    const names = channels.slice(0, 8).join(", ");
    throw new Error(`the signal has ${wrong.length} channels; this model reads ${channels.length}: ${names}`);
  }
  const known = values.flat().filter((one) => one !== null);
  if (!known.every(Number.isFinite)) throw new Error("the signal holds what is no finite number");
  if (!missing && known.length < values.length * channels.length) {
    throw new Error("the signal lacks a number, and this model has not learned what that means");
  }
  return values;
}

/** Return mean and deviation of each channel of a series; the deviation of a constant is 1. */
function ownScale(values) {
  const columns = values[0].map((_, k) => values.map((one) => one[k]).filter((one) => one !== null));
  const average = (some) => some.reduce((a, b) => a + b, 0) / Math.max(some.length, 1);
  const mean = columns.map(average);
  const deviation = columns.map((some, k) => {
    const found = Math.sqrt(average(some.map((one) => (one - mean[k]) ** 2)));
    return found <= LEAST * Math.max(Math.abs(mean[k]), LEAST) ? 1 : found;
  });
  return { mean, deviation };
}
