/** A model, step by step: frames in, answers out as they become known. */

import { begun } from "./tensors.js";

export class Session {
  /**
   * @param model whose step it is
   * @param task `begin()` → memory; `read(memory, frame)` → the steps of it, as the graph takes them;
   *     `say(memory, scores, step)` → the answer to a step, counted from 1
   */
  constructor(model, task) {
    [this.model, this.task] = [model, task];
    this.id = crypto.randomUUID?.() ?? String(Math.random()).slice(2);
    const { inputs, outputs, delay } = model.graphs.step;
    this.delay = delay;
    this.states = inputs.filter((value) => "initial" in value);
    [this.input, this.output] = [inputs[0].name, outputs[0].name];
    this.turn = Promise.resolve();
    this.begin();
  }

  begin() {
    this.memory = this.task.begin?.() ?? {};
    this.state = Object.fromEntries(this.states.map((value) => [value.name, begun(value, 1)]));
    [this.at, this.steps, this.last] = [0, 0, null];
  }

  /** Return the session as the backend's `stream` does. */
  open(on) {
    const { unit } = this.task;
    const send = (frames, { end = false } = {}) => {
      const answer = async () => {
        const message = await this.answer(frames, end);
        on.answer(message);
        return message;
      };
      return (this.turn = this.turn.then(answer));
    };
    const opened = { session: this.id, at: this.at, unit, delay: this.delay, resent: 0 };
    return { opened, send, close() {} };
  }

  async answer(frames, end) {
    const given = frames instanceof Float32Array ? [frames] : frames, memory = structuredClone(this.memory);
    const answers = [];
    try {
      const steps = given.flatMap((frame) => this.task.read(memory, frame));
      this.memory = memory;
      for (const x of steps) answers.push(...(await this.step(x)));
      if (end && this.last) {
        const ended = { type: "bool", data: new Uint8Array([1]), dims: [1] };
        for (let i = 0; i < this.delay; i++) answers.push(...(await this.step(this.last, { ended })));
      }
    } catch (error) {
      return { error: error.message };
    }
    const message = { at: this.at, answers, ...(end && { ended: true }) };
    if (end) this.begin();
    return message;
  }

  async step(x, flag = {}) {
    const found = await this.model.run("step", { [this.input]: x, ...flag, ...this.state });
    for (const name in this.state) this.state[name] = found[`${name}_next`];
    this.last = x;
    this.steps += 1;
    if (!flag.ended) this.at += 1;
    const step = this.steps - this.delay;
    return step < 1 ? [] : [this.task.say(this.memory, found[this.output].data, step)];
  }
}
