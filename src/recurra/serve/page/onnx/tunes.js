/** A piece of music in a key and mode, as the task `music_generation` has it. */

import { reader } from "../score.js";
import { midi } from "./midi.js";
import { drawing, search } from "./search.js";
import { integers } from "./tensors.js";
import { Writer } from "./writer.js";

const KEYS = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const MODES = ["major", "minor"], FLATS = { Db: "C#", Eb: "D#", Gb: "F#", Ab: "G#", Bb: "A#" };
const [START, END] = [2, 3], BAR = "Bar_None";

/** Return key and mode, as numbers, of "G major", "f# minor", or "D". */
export function parsed(text) {
  const [, given, rest] = /^(\S*)\s*(.*)$/s.exec(String(text).trim());
  const plain = given.replace("♯", "#").replace("♭", "b");
  const name = plain.slice(0, 1).toUpperCase() + plain.slice(1);
  const key = KEYS.indexOf(FLATS[name] ?? name);
  const mode = MODES.indexOf(rest.trim().toLowerCase() || "major");
  if (key < 0 || mode < 0) {
    throw new Error(`"${text}" is no key and mode; write G major, f# minor, Bb major`);
  }
  return [key, mode];
}

/** Return [start, length, pitch] of every note, in beats; what makes no note is left out. */
export function notes(names, resolution) {
  const found = names.map(reader(resolution)).filter(Boolean);
  return found.map(({ start, length, pitch }) => [start, length, pitch]);
}

export async function open(model) {
  const names = await model.json("tokens.json"), { beat_res: resolution } = await model.json("notes.json");
  const { max_length: longest } = await model.json("music.json");

  async function write(prompt, options, onPart, signal) {
    const [key, mode] = parsed(prompt);
    const state = await model.run("encoder", { source: integers([key, mode], [1, 2]) });
    const bounds = {
      start: START,
      end: END,
      maxSteps: options.max_length ?? longest,
      tell: (token) => token !== END && onPart(names[token]),
      signal,
    };
    const [{ tokens }] = await search(new Writer(model, state), bounds, drawing(options));
    const written = tokens.map((token) => names[token]), found = notes(written, resolution);
    return {
      key: KEYS[key],
      mode: MODES[mode],
      bars: written.filter((name) => name === BAR).length,
      tokens,
      notes: found,
      midi: midi(found),
    };
  }

  return { predict: (prompt, options, signal) => write(prompt, options, () => {}, signal), generate: write };
}
