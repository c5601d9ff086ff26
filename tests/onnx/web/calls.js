// Answers what a test asks of the modules of a page: {name: arguments} in, {name: answer} out.
import { readFileSync } from "node:fs";

import { align, bestPath, likelihood, prefixBeam } from "./onnx/ctc.js";
import { Habit } from "./onnx/habit.js";
import { frames, held } from "./onnx/rolls.js";
import { resized } from "./onnx/pictures.js";
import { settledAt } from "./onnx/running.js";
import { drawing, greatest, search } from "./onnx/search.js";
import { lastOf, shape, spans } from "./onnx/tags.js";
import { Tokenizer } from "./onnx/tokenizer.js";
import { notes, parsed } from "./onnx/tunes.js";
import { units } from "./onnx/units.js";
import { Vocabulary, words } from "./onnx/words.js";
import { midi } from "./onnx/midi.js";
import { read } from "./midi.js";
import { lastPart, left, taken, waiting } from "./onnx/pieces.js";
import { gauge, measured, moment, surprise } from "./onnx/statistics.js";
import { series } from "./onnx/tables.js";

/** Writes by a table: the logits of what follows a token, whatever stood before it. */
class Table {
  constructor(rows) {
    this.rows = rows;
  }

  async advance(tokens) {
    return { logits: Float32Array.from(tokens.flatMap((token) => this.rows[token])), size: this.rows.length };
  }

  move() {}
}

const CALLS = {
  words: (texts, lower) => texts.map((text) => words(text, lower)),
  numbers: (tokens, rows) => rows.map((row) => new Vocabulary(tokens).encode(row)),
  habit: (stored, texts) => {
    const habit = new Habit(stored);
    return texts.map((text) => habit.words(text));
  },
  path: (crf, rows) => {
    const memory = { best: null };
    return rows.map((scores) => lastOf(crf, memory, scores));
  },
  shape: (some) => some.map(([word, first]) => shape(word, first)),
  spans,
  tokenizer: (stored, texts, numbers) => {
    const tokenizer = new Tokenizer(stored);
    return [texts.map((text) => tokenizer.encode(text)), numbers.map((one) => tokenizer.decode(one))];
  },
  units: (stored, texts) => {
    const found = units(stored);
    return texts.map((text) => {
      const numbers = found.encode(text);
      return [numbers, found.shown(text), numbers.map((number) => Array.from(found.spell(number)))];
    });
  },
  search: (rows, bounds) => search(new Table(rows), bounds, (totals) => greatest(totals, bounds.width ?? 1)),
  drawn: async (rows, bounds, options, times) => {
    const found = [];
    for (let seed = 0; seed < times; seed++) {
      found.push((await search(new Table(rows), bounds, drawing({ ...options, seed })))[0].tokens);
    }
    return found;
  },
  ctc: (frames, width, bonus) => {
    const symbols = prefixBeam(frames, width, bonus), path = bestPath(frames);
    return { path, symbols, places: align(frames, path), likelihood: likelihood(frames, path) };
  },
  resized: (plane, from, to) => Array.from(resized(plane, from, to)),
  settledAt: (rows) => rows.map((row) => settledAt(row)),
  keys: (texts) => texts.map((text) => parsed(text)),
  notes: (pieces, resolution) => pieces.map((names) => notes(names, resolution)),
  midi,
  roll: (file, steps) => {
    const found = frames(read(Uint8Array.from(atob(file), (one) => one.charCodeAt(0))), steps);
    return [found.map((step) => Array.from(step)), held(found, steps)];
  },
  pieces: (texts, cuts) =>
    texts.map((text, k) => {
      const memory = waiting(), found = [];
      let at = 0;
      for (const size of cuts[k]) found.push(taken(memory, text.slice(at, (at += size)), lastPart));
      return [...found, left(memory)];
    }),
  watched: (rows, errors, drift, options) => {
    const numbers = (row) => row.map((one) => one ?? NaN), count = rows[0].length;
    const measure = gauge(count, drift), state = surprise(count, options);
    return rows.map((row, i) => {
      const { features, moved } = measured(measure, numbers(row));
      return { features, moved, ...moment(state, numbers(errors[i]), numbers(row), options) };
    });
  },
  series: (file, form, channels) => series({ file: btoa(file) }, form, channels),
};

const asked = JSON.parse(readFileSync(0, "utf8"));
const answers = {};
for (const [name, given] of Object.entries(asked)) answers[name] = await CALLS[name](...given);
console.log(JSON.stringify(answers));
