/** What is said in a recording, as the task `speech_recognition` has it. */

import { align, bestPath, likelihood, prefixBeam } from "./ctc.js";
import { framed, listening, samples } from "./recording.js";
import { argmax, logSoftmax } from "./scores.js";
import { Tokenizer } from "./tokenizer.js";
import { blank } from "./unicode.js";

const PAD = 0, START = 2, END = 3, PIECE = "▁";
const LONGEST = 4; // bytes of a character

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
        delay: 1000 * delay * step,
      };
    },
    stream: {
      unit: "sample",
      says: "text",
      ...listening(frame),
      begin: () => ({ ...listening(frame).begin(), last: 0, told: false, apart: false, bytes: [] }),
      say(memory, scores, at) {
        const symbol = argmax(scores), fresh = symbol !== 0 && symbol !== memory.last;
        memory.last = symbol;
        const text = fresh ? units.added(memory, symbol) : "";
        return text ? { step: at, text } : null;
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
  const begins = (name) => kind === "words" || (kind === "subwords" && name.startsWith(PIECE));
  const mark = kind === "characters" ? " " : PIECE;
  const found = {
    ends: names.map((name, i) => Number(kind === "words" ? !special(i) : name.startsWith(mark))),
    words(parts) {
      const cut = [];
      let inside = false;
      for (const part of parts.filter(({ symbol }) => !special(symbol))) {
        const name = names[part.symbol];
        if (kind === "characters" && blank(name)) {
          inside = false;
          continue;
        }
        if (begins(name) || !inside) cut.push([]);
        inside = true;
        cut.at(-1).push(part);
      }
      const told = cut.map((some) => ({ text: spelled(some.map((one) => one.symbol)), parts: some }));
      return told.filter(({ text }) => text);
    },
    /** Return what a symbol adds to a text: a blank first, where it begins another word. */
    added(memory, symbol) {
      if (special(symbol)) return "";
      const name = names[symbol];
      if (kind === "characters" && blank(name)) {
        memory.apart = true;
        return "";
      }
      if (begins(name)) Object.assign(memory, { apart: true, bytes: [] });
      const spelled = [...memory.bytes, symbol];
      const text = found.words(spelled.map((one) => ({ symbol: one }))).map((one) => one.text).join(" ");
      const unfinished = text.endsWith("\ufffd") && spelled.length < LONGEST;
      memory.bytes = unfinished ? spelled : [];
      if (!text || unfinished) return "";
      const apart = memory.apart && memory.told ? " " : "";
      Object.assign(memory, { told: true, apart: false });
      return apart + text;
    },
  };
  return found;
}
