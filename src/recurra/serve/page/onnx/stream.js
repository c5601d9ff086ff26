/** A model, step by step: frames in, answers out as they become known. */

import { begun } from "./tensors.js";

/** The graph of a step, and the state that goes round it. */
export class Steps {
  constructor(model) {
    const { inputs, outputs, delay } = model.graphs.step;
    this.model = model;
    this.states = inputs.filter((value) => "initial" in value);
    [this.input, this.output, this.delay] = [inputs[0].name, outputs[0].name, delay];
    this.begin();
  }

  /** Go back to the beginning. */
  begin() {
    this.state = Object.fromEntries(this.states.map((value) => [value.name, begun(value, 1)]));
    [this.at, this.late, this.last] = [0, this.delay, null];
  }

  /** Return the scores that a step makes known: none, while they lag. */
  async step(x, flag = {}) {
    const found = await this.model.run("step", { [this.input]: x, ...flag, ...this.state });
    for (const name in this.state) this.state[name] = found[`${name}_next`];
    [this.last, this.at] = [x, this.at + 1];
    return this.late-- > 0 ? [] : [found[this.output].data];
  }

  /** Return what the delay still holds: the input is over. */
  async flush() {
    const ended = { type: "bool", data: new Uint8Array([1]), dims: [1] }, found = [];
    for (let i = 0; this.last && i < this.delay; i++) found.push(...(await this.step(this.last, { ended })));
    return found;
  }
}

export class Session {
  /**
   * @param task `begin()` → memory; `read(memory, frame)` → the steps of it, as the graph takes them;
   *     `rest(memory)` → those that waited for more; `say(memory, scores, step)` → the answer to a
   *     step, counted from 1, or null
   */
  constructor(model, task) {
    [this.task, this.steps] = [task, new Steps(model)];
    this.id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
    this.turn = Promise.resolve();
    this.begin();
  }

  begin() {
    this.steps.begin();
    [this.memory, this.said] = [this.task.begin?.() ?? {}, 0];
  }

  /** Return the session as the backend's `stream` does. */
  open(on) {
    const send = (frames, { end = false } = {}) => {
      this.turn = this.turn.then(async () => {
        const message = await this.answer(frames, end);
        on.answer(message);
        return message;
      });
      return this.turn;
    };
    const { unit } = this.task, { at, delay } = this.steps;
    return { opened: { session: this.id, at, unit, delay, resent: 0 }, send, close() {} };
  }

  async answer(frames, end) {
    const memory = structuredClone(this.memory), answers = [];
    try {
      const given = frames instanceof Float32Array ? [frames] : frames;
      const steps = given.flatMap((frame) => this.task.read(memory, frame));
      if (end) steps.push(...(this.task.rest?.(memory) ?? []));
      this.memory = memory;
      const tell = async (some) => {
        for (const scores of some) answers.push(await this.task.say(memory, scores, ++this.said));
      };
      for (const x of steps) await tell(await this.steps.step(x));
      const { at } = this.steps;
      if (end) await tell(await this.steps.flush());
      if (end) this.begin();
      return { at, answers: answers.filter(Boolean), ...(end && { ended: true }) };
    } catch (error) {
      return { error: error.message };
    }
  }
}
