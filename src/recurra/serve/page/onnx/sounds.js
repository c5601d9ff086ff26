/** The class of a sound, as the task `audio_classification` has it. */

import { apart, framed, listening, samples } from "./recording.js";
import { heard, settledAt } from "./running.js";
import { argmax, labelled, softmax } from "./scores.js";

export async function open(model) {
  const { labels, hop, max_length: longest } = await model.json("sound.json");
  const { sample_rate: rate } = model.described.recipe;
  return {
    async predict(given) {
      const read = (await samples(given, rate)).subarray(0, longest * hop);
      const x = framed(read, hop), seconds = read.length / rate;
      const sound = { sound: given?.samples ? "array" : "the sound" };
      if (!model.graphs.step) {
        const { logits } = await model.run("sequence", { x });
        return { ...sound, ...labelled(labels, softmax(logits.data)), seconds, since: null };
      }
      const all = await heard(model, apart(x)), step = hop / rate;
      const settled = settledAt(all.map(argmax)) + model.graphs.step.delay;
      return { ...sound, ...labelled(labels, all.at(-1)), seconds, since: Math.min(settled * step, seconds) };
    },
    stream: {
      unit: "sample",
      says: "label",
      ...listening(hop),
      say(memory, scores, step) {
        const { label, probabilities } = labelled(labels, softmax(scores));
        return { step, label, probabilities };
      },
    },
  };
}
