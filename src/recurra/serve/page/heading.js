/** What stands above a model: its name, what it does, how well, and when it answers. */

import { element } from "./element.js";

const METRICS = 3; // that are told of a model

/** Returns a name as people read it. */
export const named = (name) => name.replaceAll("_", " ");

/** Returns the heading of a model. */
export function heading(model) {
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
