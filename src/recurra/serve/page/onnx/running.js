/** What a classifier would say if its input ended at each step, and since when it says so. */

import { Steps } from "./stream.js";
import { softmax } from "./scores.js";

/** Return the probabilities after each step, by the graph of a step: as steps say, late or not. */
export async function heard(model, steps) {
  const stream = new Steps(model), found = [];
  for (const x of steps) found.push(...(await stream.step(x)));
  found.push(...(await stream.flush()));
  return found.map((scores) => softmax(scores));
}

/** Return the step, counted from 1, since which the answer is the last one. */
export function settledAt(likeliest) {
  let step = likeliest.length;
  while (step > 1 && likeliest[step - 2] === likeliest.at(-1)) step -= 1;
  return step;
}
