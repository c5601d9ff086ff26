/** The backend in the page itself: it answers as the server does, without one. */

import { Model, fetched } from "./session.js";
import { Session } from "./stream.js";

const TASKS = {
  sentiment: () => import("./texts.js"),
  ner: () => import("./tags.js"),
  translation: () => import("./pairs.js"),
  image_classification: () => import("./pictures.js"),
  image_captioning: () => import("./captions.js"),
  language_model: () => import("./prose.js"),
  music_generation: () => import("./tunes.js"),
  polyphonic_music: () => import("./rolls.js"),
  signal_classification: () => import("./signals.js"),
  audio_classification: () => import("./sounds.js"),
  speech_recognition: () => import("./speech.js"),
  anomaly_detection: () => import("./alarms.js"),
  forecasting: () => import("./forecasts.js"),
};

/**
 * Return the backend of a folder.
 *
 * @param base address of the folder that `recurra export --web` wrote
 */
export async function connect(base) {
  const models = await (await fetched(new URL("models.json", base))).json();
  const opened = new Map(), sessions = new Map();

  function open(name) {
    if (!models.some((model) => model.name === name)) throw new Error(`there is no model ${name}`);
    if (!opened.has(name)) opened.set(name, load(name));
    return opened.get(name);
  }

  async function load(name) {
    const told = models.find((model) => model.name === name);
    const model = await Model.open(new URL(`models/${encodeURIComponent(name)}/`, base), told);
    const { task, recipe } = model.described;
    if (!(task in TASKS)) throw new Error(`${task} is not in the browser yet; use recurra serve`);
    return { model, recipe, task: await (await TASKS[task]()).open(model) };
  }

  return {
    async models() {
      return models;
    },
    async predict(name, inputs, options = {}, signal) {
      const { task, recipe } = await open(name), answers = [];
      for (const input of inputs) {
        signal?.throwIfAborted();
        try {
          answers.push(await task.predict(input, { ...recipe, ...options }, signal));
        } catch (error) {
          answers.push({ error: error.message });
        }
      }
      return answers;
    },
    async generate(name, prompt, options = {}, onPart = () => {}, signal) {
      const { task, recipe } = await open(name);
      if (!task.generate) throw new Error(`${name} writes nothing; use predict`);
      return task.generate(prompt, { ...recipe, ...options }, onPart, signal);
    },
    async stream(name, { session: id = null } = {}, on) {
      const { model, task } = await open(name);
      if (!task.stream || !model.graphs.step) throw new Error(`${name} waits for the end of its input`);
      const session = sessions.get(id) ?? new Session(model, task.stream);
      sessions.set(session.id, session);
      return session.open(on);
    },
  };
}
