/** How a piece goes on, key by key, as the task `polyphonic_music` has it. */

import { read } from "../midi.js";
import { midi } from "./midi.js";
import { uniform } from "./search.js";
import { reals } from "./tensors.js";

const LOWEST = 21, KEYS = 88; // of a piano, by MIDI's numbers
const NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
const LONGEST = 50_000; // steps of a piece
const LEAST = 0.05; // probability from which a key is told

/** Return x as a whole number, of two as near the even one. */
export function rounded(x) {
  const below = Math.floor(x), apart = x - below;
  return apart < 0.5 || (apart === 0.5 && below % 2 === 0) ? below : below + 1;
}

/** Return the steps of notes {start, length, pitch}, in beats: of each key, 1 where it sounds. */
export function frames(notes, steps) {
  const found = [];
  for (const { start, length, pitch } of notes) {
    const first = rounded(start * steps), last = Math.max(rounded((start + length) * steps), first + 1);
    if (last > LONGEST) throw new Error(`the piece has over ${LONGEST} steps; give a shorter one`);
    while (found.length < last) found.push(new Float32Array(KEYS));
    const key = pitch - LOWEST;
    if (key >= 0 && key < KEYS) for (let t = first; t < last; t++) found[t][key] = 1;
  }
  return found;
}

/** Return steps as notes [start, length, pitch], in beats: keys that sound on are one note. */
export function held(found, steps) {
  const notes = [], since = Array(KEYS).fill(-1);
  for (let t = 0; t <= found.length; t++) {
    for (let key = 0; key < KEYS; key++) {
      const sounds = found[t]?.[key] > 0;
      if (sounds && since[key] < 0) since[key] = t;
      if (sounds || since[key] < 0) continue;
      notes.push([since[key] / steps, (t - since[key]) / steps, key + LOWEST]);
      since[key] = -1;
    }
  }
  return notes;
}

/** Return the first piece of a file as steps. */
function opened({ file, form } = {}, steps) {
  if (typeof file !== "string") throw new Error("a piece is a file in base64");
  if (!["mid", "midi"].includes(form)) throw new Error(`files of ${form} are not read in the browser; give MIDI (mid)`);
  const found = frames(read(Uint8Array.from(atob(file), (one) => one.charCodeAt(0))), steps);
  if (!found.length) throw new Error("the piece has no step to go on from");
  return found;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export async function open(model) {
  const { steps } = await model.json("roll.json"), joint = "answers" in model.graphs;
  const states = model.graphs.sequence.outputs.slice(1).map((value) => value.name);

  /** Return the scores of what follows each step, and the state after the last. */
  async function heard(some, state) {
    const x = reals(some.flatMap((step) => Array.from(step)), [1, some.length, KEYS]);
    const { scores, ...after } = await model.run("sequence", { x, ...state });
    const size = scores.dims[2];
    const each = some.map((_, t) => scores.data.subarray(t * size, (t + 1) * size));
    return [each, Object.fromEntries(states.map((name) => [name.replace(/_next$/, ""), after[name]]))];
  }

  /** Return the logit of each key of a step; of a joint answer, given those below it. */
  async function logits(scores, step) {
    if (!joint) return scores;
    const given = { scores: reals(scores, [1, scores.length]), y: reals(step, [1, KEYS]) };
    return (await model.run("answers", given)).logits.data;
  }

  /**
   * Return the keys of a step, and the logit of each given those below it. From one key that sounds
   * to the next, all are told at once.
   *
   * @param sounds logit → whether the key does
   */
  async function chosen(scores, sounds) {
    const step = new Float32Array(KEYS), told = new Float32Array(KEYS);
    let key = 0;
    while (key < KEYS) {
      const found = await logits(scores, step);
      do {
        told[key] = found[key];
        step[key] = Number(sounds(found[key]));
      } while (!(step[key++] && joint) && key < KEYS);
    }
    return { step, told };
  }

  async function loss(scores, step) {
    const found = await logits(scores, step);
    return found.reduce((sum, one, key) => sum + Math.log1p(Math.exp(-Math.abs(one))) + Math.max(step[key] ? -one : one, 0), 0);
  }

  return {
    async predict(given, { temperature = 1, length, seed = 0 }, signal) {
      if (!(temperature >= 0)) throw new Error(`temperature is ${temperature}; it is 0 or more`);
      const piece = opened(given, steps), random = uniform(seed), follows = [];
      const sounds = (one) => (temperature ? random() < sigmoid(one / temperature) : one > 0);
      let [scores, state] = await heard(piece, {}), nll = 0;
      for (let t = 1; t < piece.length; t++) nll += (await loss(scores[t - 1], piece[t])) / (piece.length - 1);
      while (follows.length < length) {
        signal?.throwIfAborted();
        const { step } = await chosen(scores.at(-1), sounds);
        follows.push(step);
        [scores, state] = await heard([step], state);
      }
      const notes = follows.map((step) => pitches(step).map((one) => `${NAMES[one % 12]}${Math.floor(one / 12) - 1}`));
      return { piece: "input 1", steps: piece.length, nll, notes, midi: midi(held([...piece, ...follows], steps)) };
    },
    stream: {
      unit: "step",
      says: "notes",
      read: (memory, frame) => [reals(keys(frame), [1, KEYS])],
      async say(memory, scores, step) {
        const { told } = await chosen(scores, (one) => one > 0);
        const p = Array.from(told, (one) => Number(sigmoid(one).toFixed(6)));
        const likely = p.flatMap((one, key) => (one >= LEAST ? [[key + LOWEST, one]] : []));
        return { step, likely: likely.sort((a, b) => b[1] - a[1]) };
      },
    },
  };
}

const pitches = (step) => Array.from(step.keys()).filter((key) => step[key]).map((key) => key + LOWEST);

/** Return the keys of MIDI's numbers. */
function keys(frame) {
  const wrong = Array.isArray(frame) ? frame.find((one) => !Number.isInteger(one) || one < LOWEST || one >= LOWEST + KEYS) : frame;
  if (!Array.isArray(frame) || wrong !== undefined) {
    throw new Error(`a frame holds ${String(wrong).slice(0, 40)}; give a list of MIDI numbers from ${LOWEST} to ${LOWEST + KEYS - 1}`);
  }
  const step = new Float32Array(KEYS);
  for (const one of frame) step[one - LOWEST] = 1;
  return step;
}
