/** What writes token after token: a graph of one step, and the state that goes round it. */

import { drawing, greatest, search } from "./search.js";
import { begun, integers, rows } from "./tensors.js";

export class Writer {
  /** @param state what the graph of the step goes on from, by name, of one row. */
  constructor(model, state) {
    [this.model, this.state] = [model, state];
    const { inputs, outputs } = model.graphs.step;
    for (const value of inputs.slice(1)) this.state[value.name] ??= begun(value, 1);
    this.moved = outputs.slice(1).map((value) => value.name.replace(/_next$/, ""));
  }

  /** Give each of so many places the state. */
  widen(width) {
    for (const name in this.state) this.state[name] = rows(this.state[name], Array(width).fill(0));
  }

  /** Return the logits of what follows each place's token, and where it looked. */
  async advance(tokens) {
    const count = tokens.length, given = { token: integers(tokens, [count]), ...this.state };
    const { logits, ...after } = await this.model.run("step", given);
    for (const name of this.moved) this.state[name] = after[`${name}_next`];
    const looked = this.moved.find((name) => name === "weights");
    const weights = looked && this.state[looked];
    const each = weights && tokens.map((_, i) => Array.from(rows(weights, [i]).data));
    return { logits: logits.data, size: logits.dims[1], weights: each };
  }

  /** Let each place go on from the one that it came from. */
  move(parents) {
    for (const name of this.moved) this.state[name] = rows(this.state[name], parents);
  }
}

/** Return the likeliest sequence, or with a beam of 0 a drawn one, as options say. */
export async function decoded(writer, options, bounds) {
  const { beam, length_penalty: alpha, no_repeat: noRepeat } = options;
  if (beam === 0) return (await search(writer, { ...bounds, noRepeat }, drawing(options)))[0];
  if (!(Number.isInteger(beam) && beam > 0 && beam <= 64)) {
    throw new Error(`beam is ${beam}; it is a whole number from 0 to 64`);
  }
  const many = { width: beam, alpha: beam > 1 ? alpha : 0 };
  writer.widen(beam);
  const found = await search(writer, { ...bounds, ...many, noRepeat }, (totals) => {
    return greatest(totals, beam);
  });
  return found[0];
}
