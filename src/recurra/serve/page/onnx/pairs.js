/** A text written from a text, as the task `translation` has it. */

import { integers } from "./tensors.js";
import { Tokenizer } from "./tokenizer.js";
import { END, START, checked } from "./words.js";
import { Writer, decoded } from "./writer.js";

export async function open(model) {
  const [source, target] = await Promise.all(
    ["source", "target"].map(async (side) => new Tokenizer(await model.json(`${side}.tokenizer.json`))),
  );
  const { max_length: longest } = await model.json("pair.json");

  async function write(text, options, signal, tell) {
    const read = source.encode(checked(text)).slice(0, longest), ids = [...read, END];
    const writer = new Writer(model, await model.run("encoder", { source: integers(ids, [1, ids.length]) }));
    const most = options.max_length ?? longest;
    const best = await decoded(writer, options, { start: START, end: END, maxSteps: most, signal, tell });
    return {
      source: text,
      text: target.decode(best.tokens),
      score: best.score,
      source_tokens: read.map((id) => source.tokens[id]),
      tokens: best.tokens.map((id) => target.tokens[id]),
      attention: best.weights.map((row) => row.slice(0, read.length)),
    };
  }

  return { predict: write };
}
