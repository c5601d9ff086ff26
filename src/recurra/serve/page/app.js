/** The page: which models there are, the one that is chosen, and how the server is. */

import { element } from "./element.js";
import { ask } from "./key.js";
import { report } from "./report.js";
import { glyph, TYPES } from "./glyph.js";
import { heading, named } from "./heading.js";

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
  main.replaceChildren(heading(model), shown.element, told.element);
}

start().catch((error) => {
  main.replaceChildren(element("p", { class: "failed", role: "alert" }, error.message));
});
