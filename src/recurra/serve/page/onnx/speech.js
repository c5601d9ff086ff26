/** What is said in a recording, as the task `speech_recognition` has it. */

import { align, bestPath, likelihood, prefixBeam } from "./ctc.js";
import { framed, listening, samples } from "./recording.js";
import { logSoftmax } from "./scores.js";
import { Tokenizer } from "./tokenizer.js";
import { blank } from "./unicode.js";

const PAD = 0, START = 2, END = 3, PIECE = "▁";

export async function open(model) {
  const { kind, rate, frame } = await model.json("speech.json");
  const units = speller(kind, await model.json("units.json"));
  const step = frame / rate, delay = model.graphs.step?.delay ?? 0;

  return {
    async predict(given, { beam = 1, word_bonus: bonus = 0 }) {
      const heard = await samples(given, rate), x = framed(heard, frame);
      const { scores } = await model.run("sequence", { x });
      const [, time, size] = scores.dims;
      const frames = Array.from({ length: time }, (_, t) => logSoftmax(scores.data.subarray(t * size, (t + 1) * size)));
      if (beam === 1 && bonus) throw new Error("word_bonus: the best path has no use for it; give a beam of 2 up");
      const ends = units.ends.map((one) => one * bonus);
      const symbols = beam === 1 ? bestPath(frames) : prefixBeam(frames, beam, ends);
      const seconds = heard.length / rate;
      const words = units.words(align(frames, symbols)).map(({ text, parts }) => {
        const sure = Math.exp(parts.reduce((sum, part) => sum + part.score, 0) / parts.length);
        return {
          word: text,
          start: rounded(parts[0].start * step, 3),
          stop: rounded(Math.min(parts.at(-1).stop * step, seconds), 3),
          confidence: rounded(sure, 4),
        };
      });
      return {
        sound: given?.samples ? "array" : "the sound",
        text: words.map((one) => one.word).join(" "),
        words,
        confidence: Math.exp(Math.min(likelihood(frames, symbols), 0)),
        seconds: rounded(seconds, 3),
        delay: 1000 * (model.told.lag ?? 0) * step,
      };
    },
    stream: {
      unit: "sample",
      says: "text",
      begin: () => ({ ...listening(frame).begin(), symbols: [], last: 0, text: "" }),
      read: listening(frame).read,
      rest: listening(frame).rest,
      say(memory, scores, at) {
        const [symbol] = bestPath([logSoftmax(scores)]);
        if (symbol && symbol !== memory.last) memory.symbols.push({ symbol });
        memory.last = symbol ?? 0;
        const text = units.words(memory.symbols).map((one) => one.text).join(" ");
        const fresh = text.slice(memory.text.length);
        memory.text = text;
        return { step: at, text: fresh };
      },
    },
  };
}

const rounded = (value, digits) => Number(value.toFixed(digits));

/** Return what puts symbols together to words, and which symbols add one. */
function speller(kind, stored) {
  const tokenizer = kind === "subwords" ? new Tokenizer(stored) : null;
  const names = tokenizer ? tokenizer.tokens : stored;
  const spelled = (numbers) => {
    return tokenizer ? tokenizer.decode(numbers).trim() : numbers.map((one) => names[one]).join("");
  };
  const special = (number) => [PAD, START, END].includes(number);
  const mark = kind === "characters" ? " " : PIECE;
  return {
    ends: names.map((name, i) => Number(kind === "words" ? !special(i) : name.startsWith(mark))),
    words(parts) {
      const found = [];
      let inside = false;
      for (const part of parts.filter(({ symbol }) => !special(symbol))) {
        const name = names[part.symbol];
        if (kind === "characters" && blank(name)) {
          inside = false;
          continue;
        }
        const begins = kind === "words" || (kind === "subwords" && name.startsWith(PIECE));
        if (begins || !inside) found.push([]);
        inside = true;
        found.at(-1).push(part);
      }
      const told = found.map((some) => ({ text: spelled(some.map((one) => one.symbol)), parts: some }));
      return told.filter(({ text }) => text);
    },
  };
}
