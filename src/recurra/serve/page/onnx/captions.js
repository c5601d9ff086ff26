/** A sentence about a picture, as the task `image_captioning` has it. */

import { picture } from "./pictures.js";
import { END, START, Vocabulary } from "./words.js";
import { Writer, decoded } from "./writer.js";

const LONGEST = 60;

export async function open(model) {
  const vocabulary = new Vocabulary(await model.json("vocabulary.json"));
  const stored = await model.json("image.json");

  async function write(given, options, signal, tell) {
    const source = await picture(given, stored);
    const writer = new Writer(model, await model.run("encoder", { source }));
    const maxSteps = Math.min(LONGEST, options.max_length ?? LONGEST);
    const best = await decoded(writer, options, { start: START, end: END, maxSteps, tell, signal });
    const text = vocabulary.decode(best.tokens).join(" ");
    return { image: given?.pixels ? "array" : "the image", text, score: best.score };
  }

  return {
    predict: write,
    async generate(given, options, onPart, signal) {
      return write(given, { ...options, beam: 0 }, signal);
    },
  };
}
