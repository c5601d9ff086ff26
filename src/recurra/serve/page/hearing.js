/** What hears a sound: from the microphone, a file or an example; streamed where the model can. */

import { asking } from "./ask.js";
import { base64, drop } from "./drop.js";
import { button, element, pause } from "./element.js";
import { chart } from "./chart.js";
import { decoded, hum, listen, wav } from "./sound.js";

const USUAL = 16_000; // samples a second, where the model does not say: files are resampled
const PORTION = 0.05; // seconds of a file that are streamed at once
const WATCHED = 3; // seconds that a file takes at most to be streamed
const LONGEST = 60; // seconds of the microphone

/**
 * Returns controls and waveform: `element`, `close()`.
 * @param {object} context of the view.
 * @param {object} on `fresh()`; `answers(list)` of the stream; `whole(answer)` of predict.
 */
export function hearing(context, on) {
  const { model, backend, report } = context;
  const rate = model.rate ?? USUAL;
  const ask = asking(context);
  const wave = chart("Waveform", { height: 90 });
  const told = element("p", { class: "note" }, `heard at ${rate.toLocaleString("en")} samples a second`);
  let [heard, stopping, stream, run] = [[], null, null, 0];
  let [all, stale] = [[], 0];

  async function opened() {
    stream ??= backend.stream(model.name, {}, {
      answer(message) {
        if (stale > 0) stale -= Boolean(message.ended);
        else if (message.error) report.failed(new Error(message.error));
        else {
          all.push(...message.answers);
          report.answered(all);
          on.answers(message.answers);
        }
      },
      closed(reason) {
        stream = null;
        report.failed(new Error(reason));
      },
      lost: () => report.failed(new Error("the server has forgotten the session: it goes on from here")),
    });
    return stream;
  }
  let due = false;
  function draw() {
    due = false;
    const size = Math.max(1, Math.floor(heard.length / 600));
    const points = [];
    for (let i = 0; i < heard.length; i += size) {
      let [low, high] = [0, 0];
      for (let j = i; j < Math.min(i + size, heard.length); j++) [low, high] = [Math.min(low, heard[j]), Math.max(high, heard[j])];
      points.push([i / rate, low, high]);
    }
    wave.draw({ bands: [{ kind: "wave", points }], x: [0, Math.max(heard.length / rate, 0.1)], tick: (value) => `${Number(value.toFixed(2))} s`, text: `${(heard.length / rate).toFixed(1)} seconds` });
  }
  function begin() {
    run += 1;
    [heard, all] = [[], []];
    report.clear();
    on.fresh();
    return run;
  }
  function hear(samples) {
    for (const sample of samples) heard.push(sample);
    if (!due) due = Boolean(requestAnimationFrame(draw));
  }
  async function whole(samples, content, name) {
    const answer = await ask({ file: base64(content ?? wav(samples, rate)) }, { file: name });
    if (answer) on.whole(answer);
  }
  async function give(samples, content, name) {
    const now = begin();
    if (!model.stream) {
      hear(samples);
      return whole(samples, content, name);
    }
    const to = await opened();
    report.asked({ body: { inputs: [{ file: "BASE64" }] }, file: name });
    const size = Math.round(PORTION * rate);
    const wait = Math.min(PORTION, (WATCHED * size) / samples.length);
    for (let i = 0; i < samples.length; i += size) {
      const part = samples.slice(i, i + size);
      hear(part);
      await Promise.all([to.send(part), pause(wait)]);
      if (now !== run) return end(to);
    }
    return to.send([], { end: true });
  }
  function end(to) {
    stale += 1;
    return to.send([], { end: true });
  }
  async function record() {
    if (stopping) return stopping();
    const to = model.stream ? await opened() : null;
    let stop;
    begin();
    try {
      stop = await listen(rate, (samples) => {
        hear(samples);
        to?.send(samples);
        if (heard.length > LONGEST * rate) stopping?.();
      });
    } catch (error) {
      return report.failed(error);
    }
    speak.textContent = "Stop listening";
    stopping = () => {
      stop();
      stopping = null;
      speak.textContent = "Listen";
      report.asked({ body: { inputs: [{ file: "BASE64" }] }, file: "recording.wav" });
      if (to) to.send([], { end: true });
      else whole(Float32Array.from(heard), null, "recording.wav");
    };
    return undefined;
  }
  const speak = button("Listen", record, { class: "main" });
  const take = async (file, bytes) => give(await decoded(bytes, rate), bytes, file.name);
  const example = button("Hear an example", () => give(hum(rate), null, "hum.wav").catch(report.failed));
  return {
    element: element("div", {}, element("p", { class: "row" }, speak, example), drop("or drop a sound file here", "audio/*", take, report.failed), wave.element, told),
    close() {
      run += 1;
      stopping?.();
      stream?.then((to) => to.close());
    },
  };
}
