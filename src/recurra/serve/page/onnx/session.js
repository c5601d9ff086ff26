/** The folder of an exported model, whose graphs onnxruntime-web runs. */

import * as ort from "./ort/ort.wasm.min.mjs";
import { begun, integers } from "./tensors.js";

ort.env.wasm.numThreads = 1; // more need headers that a plain server of files does not send
ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
ort.env.logLevel = "error"; // warnings are of names that its own optimiser leaves over

export class Model {
  /** Return the model of a folder, and what models.json tells of it. */
  static async open(folder, told) {
    const model = new Model(folder, told);
    model.described = await model.json("export.json");
    return model;
  }

  constructor(folder, told) {
    [this.folder, this.told] = [folder, told];
    this.sessions = new Map();
  }

  get graphs() {
    return this.described.graphs;
  }

  async json(name) {
    return (await fetched(new URL(name, this.folder))).json();
  }

  /** Return a codec's file, or null where the model has none. */
  async optional(name) {
    return name in this.described.files ? this.json(name) : null;
  }

  /** Return the session of a graph; it is loaded once. */
  session(graph) {
    if (!this.sessions.has(graph)) this.sessions.set(graph, this.load(graph));
    return this.sessions.get(graph);
  }

  async load(graph) {
    const found = await fetched(new URL(this.graphs[graph].file, this.folder));
    const bytes = new Uint8Array(await found.arrayBuffer());
    return ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  }

  /**
   * Return the outputs of a graph, by name. A state that is not given is the initial one, lengths
   * are the whole time, and no input has ended.
   */
  async run(graph, given) {
    const session = await this.session(graph), feeds = {};
    const [count, time] = Object.values(given)[0].dims;
    for (const value of this.graphs[graph].inputs) {
      if (!session.inputNames.includes(value.name)) continue;
      const { type, data, dims } = given[value.name] ?? usual(value, count, time);
      feeds[value.name] = new ort.Tensor(type, data, dims);
    }
    return session.run(feeds);
  }
}

function usual(value, count, time) {
  if ("initial" in value) return begun(value, count);
  if (value.name.endsWith("lengths")) return integers(Array(count).fill(time), [count]);
  if (value.name === "ended") return { type: "bool", data: new Uint8Array(count), dims: [count] };
  throw new Error(`the graph needs its input ${value.name}: ${value.means}`);
}

/** Return what stands at an address. */
export async function fetched(url) {
  const found = await fetch(url);
  if (!found.ok) throw new Error(`${url} cannot be read: ${found.status} ${found.statusText}`);
  return found;
}
