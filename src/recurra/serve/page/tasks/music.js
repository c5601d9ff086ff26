/** A piece of music in a key and mode, seen as it is written. */

import { bytes, save } from "../drop.js";
import { button, element, labelled, panel } from "../element.js";
import { read, written } from "../midi.js";
import { roll } from "../roll.js";
import { reader } from "../score.js";
import { player } from "../synth.js";

const KEYS = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const TEMPO = 100;

/** Returns the view: `element`, `close()`. */
export default function music({ model, backend, report }) {
  const choice = (id, names, chosen) => element("select", { id }, names.map((name) => element("option", { selected: name === chosen }, name)));
  const [key, mode] = [choice("key-name", KEYS, "G"), choice("mode", ["major", "minor"], "major")];
  const heat = element("input", { id: "heat", type: "range", min: 0.2, max: 1.5, step: 0.05, value: 0.9, oninput: () => (told.textContent = Number(heat.value).toFixed(2)) });
  const told = element("output", { for: "heat" }, "0.90");
  const most = element("input", { id: "most", type: "number", min: 16, max: 2000, value: 400 });
  const paper = roll("Piano roll");
  const last = element("p", { class: "note token" }, " ");
  let notes = [], file = null, writing = null;

  async function write() {
    if (writing) return writing.abort();
    if (playing.textContent === "Stop") play();
    writing = new AbortController();
    go.textContent = "Stop";
    [notes, file] = [[], null];
    const score = reader(model.resolution);
    const prompt = `${key.value} ${mode.value}`;
    const options = { temperature: Number(heat.value), max_length: Number(most.value) || 400, seed: Math.floor(1e6 * Math.random()) };
    report.asked({ verb: "generate", body: { prompt, options } });
    let due = false;
    const draw = () => {
      due = false;
      paper.show(notes);
    };
    try {
      const answer = await backend.generate(model.name, prompt, options, (text) => {
        last.textContent = text;
        const note = score(text);
        if (note) notes.push(note);
        if (note && !due) due = Boolean(requestAnimationFrame(draw));
      }, writing.signal);
      file = answer.midi ? bytes(answer.midi) : null;
      if (file) notes = read(file);
      report.answered(answer);
      last.textContent = `${prompt}, ${notes.length} notes`;
      report.said(`a piece in ${prompt}, ${notes.length} notes`);
    } catch (error) {
      report.failed(error);
    }
    writing = null;
    go.textContent = "Write a piece";
    paper.show(notes);
  }
  const go = button("Write a piece", write, { class: "main" });
  const playing = button("Play", () => play());
  const play = player(playing, () => notes, paper, TEMPO);
  const keep = () => notes.length && save(file ?? written(notes, TEMPO), `${key.value}-${mode.value}.mid`, "audio/midi");
  return {
    element: element("div", { class: "bench wide" },
      panel("Key and mode", element("div", { class: "fields" }, labelled("Key", key), labelled("Mode", mode),
        element("div", { class: "field" }, element("label", { for: "heat" }, "Temperature ", told), heat), labelled("Tokens at most", most)),
        element("p", { class: "row" }, go)),
      panel("The piece", paper.element, last, element("p", { class: "row" }, playing, button("Download .mid", keep)))),
    close() {
      writing?.abort();
      if (playing.textContent === "Stop") play();
    },
  };
}
