/** Polyphonic music: what sounds next, and how a piece goes on. */

import { asking } from "../ask.js";
import { base64, drop, save } from "../drop.js";
import { button, element, panel } from "../element.js";
import { keyboard } from "../keyboard.js";
import { read, written } from "../midi.js";
import { roll } from "../roll.js";
import { play, player } from "../synth.js";

const EXAMPLE = [[48, 55, 64, 72], [53, 57, 65, 72], [55, 59, 62, 71], [48, 55, 64, 72], [45, 57, 64, 72], [50, 57, 65, 69], [55, 59, 62, 67], [48, 55, 64, 67]];
const TEMPO = 80;
const NAME = /^([A-G])(#?)(-?\d+)$/;

/** Returns the view: `element`, `close()`. */
export default function harmony(context) {
  const { model, backend, report } = context;
  const ask = asking(context);
  let steps = [], dropped = [], follows = [];
  const paper = roll("Piano roll");
  const notes = () => {
    const given = dropped.length ? dropped : held(steps, 0, "c0");
    const end = dropped.length ? Math.ceil(Math.max(...dropped.map((note) => note.start + note.length))) : steps.length;
    return [...given, ...held(follows, end, "c1")];
  };
  const show = () => paper.show(notes());
  const keys = keyboard((pitch) => play([{ start: 0, length: 0.5, pitch }]));
  const opening = model.stream && backend.stream(model.name, {}, {
    answer(message) {
      if (message.error) return report.failed(new Error(message.error));
      report.answered(message);
      if (message.answers.length && !message.ended) keys.likely(message.answers.at(-1).likely);
      return undefined;
    },
    closed: (reason) => report.failed(new Error(reason)),
    lost: () => send(steps),
  }).catch(report.failed);
  const send = async (frames, more) => (await opening)?.send(frames, more);

  function add(step) {
    if (dropped.length) clear();
    steps.push(step);
    follows = [];
    keys.clear();
    send([step]);
    show();
  }
  function clear() {
    [steps, dropped, follows] = [[], [], []];
    keys.clear();
    keys.likely([]);
    send([], { end: true });
    show();
  }
  async function go(input, file) {
    const answer = await ask(input, file ? { file } : {});
    if (!answer) return;
    follows = answer.notes.map((step) => step.map(pitch));
    report.said(`${follows.length} steps follow`);
    show();
  }
  const goOn = () => {
    if (dropped.length) return go({ file: base64(written(dropped, TEMPO)), form: "mid" });
    if (steps.length < 2) return report.failed(new Error("two steps or more are needed; choose keys and add a step, or take the example"));
    return go({ file: base64(written(held(steps, 0), TEMPO)), form: "mid" });
  };
  async function take(file, content) {
    const found = read(content);
    clear();
    dropped = found;
    show();
    await go({ file: base64(content), form: "mid" }, file.name);
  }
  const playing = button("Play", () => toggle());
  const toggle = player(playing, notes, paper, TEMPO);
  return {
    element: element("div", { class: "bench wide" },
      panel("Notes of the next step", keys.element,
        element("p", { class: "note" }, model.stream ? "Choose keys, then add them as a step: the keys are tinted by how likely they sound next." : "Choose keys, then add them as a step."),
        element("p", { class: "row" }, button("Add step", () => add(keys.chosen()), { class: "main" }), button("Try an example", () => { clear(); EXAMPLE.forEach(add); goOn(); }), button("Clear", clear)),
        drop("or drop a MIDI file here", ".mid,.midi,audio/midi", take, report.failed)),
      panel("The piece", paper.element,
        element("p", { class: "legend" }, element("span", { class: "key block c0" }, "given"), element("span", { class: "key block c1" }, "how it goes on")),
        element("p", { class: "row" }, button("Let it go on", goOn, { class: "main" }), playing, button("Download .mid", () => notes().length && save(written(notes(), TEMPO), "piece.mid", "audio/midi"))))),
    close() {
      if (playing.textContent === "Stop") toggle();
      opening?.then((stream) => stream?.close());
    },
  };
}

/** Returns steps of a beat each as notes; one that goes on sounding is held. */
function held(steps, from, kind) {
  const [notes, sounding] = [[], new Map()];
  steps.forEach((step, i) => {
    for (const key of [...sounding.keys()]) if (!step.includes(key)) sounding.delete(key);
    for (const key of step) {
      if (sounding.has(key)) sounding.get(key).length += 1;
      else notes.push(sounding.set(key, { start: from + i, length: 1, pitch: key, kind }).get(key));
    }
  });
  return notes;
}

function pitch(name) {
  const [, letter, sharp, octave] = name.match(NAME);
  return 12 * (Number(octave) + 1) + { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 }[letter] + sharp.length;
}
