/** The page: which models there are, the one that is chosen, and how the server is. */

import { element } from "./element.js";
import { ask } from "./key.js";
import { report } from "./report.js";
import { glyph, TYPES } from "./glyph.js";

const VIEWS = {
  sentiment: "label",
  ner: "tags",
  translation: "translation",
  image_classification: "image",
  image_captioning: "caption",
  music_generation: "music",
  polyphonic_music: "harmony",
  language_model: "prose",
  forecasting: "forecast",
  anomaly_detection: "alarms",
  signal_classification: "signal",
  audio_classification: "sound",
  speech_recognition: "speech",
};
const KINDS = { text: "label", image: "image", sound: "sound", signal: "signal", series: "forecast", piece: "harmony", key: "music" };
const METRICS = 3; // that are told of a model

const main = document.querySelector("#main");
const nav = document.querySelector("#models");
const state = document.querySelector("#state");
const wide = matchMedia("(min-width: 60rem)");
const kind = document.querySelector("meta[name=recurra-backend]").content;
let backend, models, close = () => {};

async function start() {
  const { connect } = await import(kind === "onnx" ? "./onnx/backend.js" : "./server.js");
  backend = await connect(new URL("./", document.baseURI).href, { tell, ask });
  models = await backend.models();
  tell({});
  list();
  addEventListener("hashchange", async () => {
    await route();
    main.focus({ preventScroll: true });
  });
  await route();
}

/** Says how the server is. */
function tell({ away, wait, reason }) {
  const fine = kind === "onnx" ? "runs in this browser" : "connected";
  const trouble = wait ? "The limit is reached; going on" : "The server is gone; trying again";
  state.className = wait ? "wait" : away ? "away" : "";
  state.title = reason ?? "";
  state.textContent = wait || away ? `${trouble} in ${Math.ceil(wait ?? away)} s` : fine;
}

function list() {
  const groups = Object.keys(TYPES).map((type) => [type, models.filter((model) => model.type === type)])
    .filter(([, some]) => some.length)
    .map(([type, some]) => [
      element("h2", {}, glyph(type), type),
      element("ul", {}, some.map((model) => element("li", {}, link(model)))),
    ]);
  const shown = element("details", { open: wide.matches }, element("summary", {}, "Models"), groups);
  wide.addEventListener("change", () => (shown.open = wide.matches));
  nav.replaceChildren(shown);
}

function link(model) {
  const live = model.stream && element("span", { class: "live", title: "answers while it reads" }, "live");
  return element("a", { href: `#/${encodeURIComponent(model.name)}` }, named(model.name), live);
}

const named = (name) => name.replaceAll("_", " ");

async function route() {
  const name = decodeURIComponent(location.hash.replace(/^#\//, ""));
  const model = models.find((one) => one.name === name) ?? models[0];
  close();
  if (!model) {
    main.replaceChildren(element("p", {}, "No model is served. Start the server with one: recurra serve runs/sentiment"));
    return;
  }
  for (const one of nav.querySelectorAll("a")) {
    const current = one.hash === `#/${encodeURIComponent(model.name)}`;
    one.toggleAttribute("aria-current", current);
    if (current) one.setAttribute("aria-current", "page");
  }
  nav.querySelector("summary").textContent = named(model.name);
  if (!wide.matches) nav.querySelector("details").open = false;
  document.title = `${named(model.name)} · recurra`;
  const { default: view } = await import(`./tasks/${VIEWS[model.task] ?? KINDS[model.input]}.js`);
  const told = report(backend, model);
  const shown = view({ model, backend, report: told });
  close = shown.close ?? (() => {});
  main.replaceChildren(head(model), shown.element, told.element);
}

function head(model) {
  const { stream } = model;
  const reads = stream
    ? answers(stream)
    : model.why_no_stream ? `waits for the end: ${model.why_no_stream}` : "waits for the end";
  const metrics = Object.entries(model.metrics ?? {}).filter(([metric]) => metric !== "loss").slice(0, METRICS);
  const facts = [
    ["type", model.type],
    ["weights", model.parameters?.toLocaleString("en")],
    ...metrics.map(([metric, value]) => [named(metric), String(Number(value.toPrecision(3)))]),
    ["reads", reads],
  ].filter((fact) => fact[1]);
  return element("header", { class: "model" },
    element("h1", {}, named(model.name)),
    element("p", { class: "summary" }, model.summary),
    element("dl", { class: "facts" }, facts.map(([term, text]) => element("div", {}, element("dt", {}, term), element("dd", {}, text)))));
}

/** Says when a stream answers. */
function answers({ unit, delay, seconds }) {
  const [each, late] = seconds ? [time(seconds), time(delay * seconds)] : [unit, delay];
  return `answers ${seconds ? "every" : "at every"} ${each}${delay ? `, ${late} later` : ""}`;
}

const time = (seconds) => (seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds} s`);

start().catch((error) => {
  main.replaceChildren(element("p", { class: "failed", role: "alert" }, error.message));
});
