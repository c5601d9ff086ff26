/** How a text goes on, and how much it surprises, as the task `language_model` has it. */

import { lastPart, left, taken, trimmed, waiting } from "./pieces.js";
import { drawing, search } from "./search.js";
import { logSoftmax } from "./scores.js";
import { integers } from "./tensors.js";
import { END, UNKNOWN, units as unitsOf } from "./units.js";
import { checked } from "./words.js";
import { Writer } from "./writer.js";

const TOGETHER = 256; // units that are read at once

export async function open(model) {
  const units = unitsOf(await model.json("units.json"));
  const states = model.graphs.sequence.outputs.slice(1).map((value) => value.name);

  /** Read units; yield the scores of what follows each, and last return the state. */
  async function* read(numbers) {
    let state = {};
    for (let i = 0; i < numbers.length; i += TOGETHER) {
      const some = numbers.slice(i, i + TOGETHER);
      const x = integers(some, [1, some.length]);
      const { scores, ...after } = await model.run("sequence", { x, ...state });
      state = Object.fromEntries(states.map((name) => [name.replace(/_next$/, ""), after[name]]));
      const size = scores.dims[2];
      for (let t = 0; t < some.length; t++) yield scores.data.subarray(t * size, (t + 1) * size);
    }
    return state;
  }

  return {
    async predict(given) {
      const text = checked(given, true);
      if (!text) throw new Error("the text is empty; give a text");
      const numbers = units.encode(text), surprises = [];
      if (!numbers.length) throw new Error(`the text has no ${units.name}; give a text`);
      for await (const scores of read([END, ...numbers.slice(0, -1)])) {
        surprises.push(bits(scores, numbers[surprises.length]));
      }
      const total = surprises.reduce((a, b) => a + b, 0);
      return {
        text,
        tokens: units.shown(text),
        surprises,
        unknown: numbers.filter((number) => number === UNKNOWN).length,
        bits_per_character: total / Array.from(text).length,
        perplexity: Math.exp(Math.min((Math.LN2 * total) / surprises.length, 50)),
      };
    },
    async generate(given, options, onPart, signal) {
      const prompt = checked(given, true), numbers = [END, ...units.encode(prompt)];
      const reading = read(numbers.slice(0, -1));
      let step = await reading.next();
      while (!step.done) step = await reading.next();
      const speller = new TextDecoder("utf-8", { ignoreBOM: true }), parts = [];
      const told = (part) => {
        if (part) onPart(part);
        parts.push(part);
      };
      const bounds = {
        start: numbers.at(-1),
        end: END,
        maxSteps: options.max_length,
        forbidden: [UNKNOWN],
        tell: (number) => told(speller.decode(units.spell(number), { stream: true })),
        signal,
      };
      const [best] = await search(new Writer(model, step.value), bounds, drawing(options));
      told(speller.decode());
      return { prompt, text: parts.join(""), tokens: best.tokens };
    },
    stream: {
      unit: "unit",
      says: "surprise",
      begin: () => ({ ...waiting(), before: END, asked: [], shown: [] }),
      read: (memory, text) => shifted(memory, taken(memory, text, certain)),
      rest: (memory) => shifted(memory, left(memory)),
      say: (memory, scores, step) => {
        return { step, unit: memory.shown.shift(), bits: bits(scores, memory.asked.shift()) };
      },
    },
  };

  /** Return up to where no more text changes what the units are. */
  function certain(text) {
    if (units.name === "words") return lastPart(text);
    // blanks belong to what follows them
    if (units.name === "subwords") return trimmed(text.slice(0, lastPart(text))).length;
    return text.length;
  }

  /** Return the unit before each of a text: a unit is scored by what was said before it. */
  function shifted(memory, text) {
    const numbers = units.encode(text), before = [memory.before, ...numbers];
    memory.before = before.at(-1);
    memory.asked.push(...numbers);
    memory.shown.push(...units.shown(text));
    return numbers.map((_, i) => integers([before[i]], [1]));
  }
}

const bits = (scores, number) => -logSoftmax(scores)[number] / Math.LN2;
