/** The one loop behind greedy, sampling and beam search, as `recurra.decoding` has it. */

import { argmax, logSoftmax } from "./scores.js";

/** Return by what the score of so many tokens is divided. */
const penalty = (steps, alpha) => ((5 + steps) / 6) ** alpha;

/**
 * Return the hypotheses of one row, the best first: {tokens, score, weights}.
 *
 * @param writer has `advance(tokens)` → {logits, size, weights}, for each of `width` places, and
 *     `move(parents)`, after which each place goes on from the place that it came from
 * @param select totals [width · vocabulary] → the places in it that the search goes on with
 * @param tell is given each token at once, where the width is 1
 */
export async function search(
  writer,
  { start, end, maxSteps, noRepeat = 0, forbidden = [], width = 1, alpha = 0, tell, signal },
  select,
) {
  if (!(maxSteps >= 1)) throw new Error(`max_length is ${maxSteps}; at least 1 is needed`);
  const steps = [], every = Array.from({ length: width }, (_, i) => i);
  let alive = every.map((i) => (i ? -Infinity : 0)), written = every.map(() => []);
  let tokens = every.map(() => start), best = -Infinity, places = width;
  for (let step = 0; step < maxSteps; step++) {
    signal?.throwIfAborted();
    const { logits, size, weights } = await writer.advance(tokens);
    const totals = new Float64Array(width * size);
    for (const i of every) {
      const row = logSoftmax(logits.subarray(i * size, (i + 1) * size));
      for (const token of [...forbidden, ...repeating(written[i], noRepeat)]) row[token] = -Infinity;
      row.forEach((one, token) => (totals[i * size + token] = alive[i] + one));
    }
    const picks = select(totals), scores = picks.map((pick) => totals[pick]);
    const parents = picks.map((pick) => Math.floor(pick / size));
    tokens = picks.map((pick) => pick % size);
    const taken = scores.map((score, i) => i < places && score > -Infinity);
    const ended = tokens.map((token, i) => taken[i] && token === end);
    steps.push({ tokens, parents, scores, ended, weights });
    tell?.(tokens[0]);
    places -= ended.filter(Boolean).length;
    const complete = scores.filter((_, i) => ended[i]).map((one) => one / penalty(step + 1, alpha));
    best = Math.max(best, ...complete);
    // a score only falls, and is penalised least at the greatest length
    const open = (i) => taken[i] && !ended[i] && scores[i] / penalty(maxSteps, alpha) > best;
    alive = scores.map((score, i) => (open(i) ? score : -Infinity));
    if (alive.every((one) => one === -Infinity)) break;
    written = parents.map((parent, i) => [...written[parent], tokens[i]]);
    if (width > 1) writer.move(parents);
  }
  return traced(steps, alive, alpha);
}

/** Return the tokens that would end a passage of so many that was written before. */
function repeating(written, size) {
  if (!size || written.length < size) return [];
  const last = written.slice(written.length - size + 1), found = [];
  for (let i = 0; i + size <= written.length; i++) {
    if (last.every((token, k) => token === written[i + k])) found.push(written[i + size - 1]);
  }
  return found;
}

/** Return what ended anywhere, and then what was alive at the last step. */
function traced(steps, alive, alpha) {
  const last = steps.length - 1;
  const trace = (step, place) => {
    const complete = steps[step].ended[place], score = steps[step].scores[place];
    const tokens = [], weights = [];
    for (let t = step; t >= 0; t--) {
      const parent = steps[t].parents[place];
      if (!(complete && t === step)) {
        tokens.unshift(steps[t].tokens[place]);
        if (steps[t].weights) weights.unshift(steps[t].weights[parent]);
      }
      place = parent;
    }
    return { tokens, weights, score, normalised: score / penalty(step + 1, alpha) };
  };
  const ranked = (some) => some.sort((a, b) => b.normalised - a.normalised);
  const ends = steps.flatMap(({ ended }, t) => ended.flatMap((one, i) => (one ? [trace(t, i)] : [])));
  const cut = alive.flatMap((one, i) => (one > -Infinity ? [trace(last, i)] : []));
  if (!ends.length && !cut.length) throw new Error("there is no token to write");
  return [...ranked(ends), ...ranked(cut)];
}

/** Return the places of the `width` greatest in falling order, of equal ones the first. */
export function greatest(totals, width) {
  if (width === 1) return [argmax(totals)];
  const found = [];
  totals.forEach((total, place) => {
    if (found.length === width && total <= totals[found[width - 1]]) return;
    let at = found.length;
    while (at && totals[found[at - 1]] < total) at--;
    found.splice(at, 0, place);
    found.length = Math.min(found.length, width);
  });
  return found;
}

/** Return a choice by chance: totals → one place. */
export function drawing({ temperature = 1, top_k = 0, top_p = 1, seed = 0 }) {
  if (!(temperature >= 0 && temperature < Infinity && top_k >= 0 && top_p > 0 && top_p <= 1)) {
    throw new Error(
      `temperature ${temperature}, top_k ${top_k}, top_p ${top_p}: temperature and top_k are 0 ` +
        "or more, top_p is above 0 and at most 1",
    );
  }
  const random = uniform(seed);
  return (totals) => {
    if (temperature === 0 || top_k === 1) return [argmax(totals)];
    const order = Array.from(totals.keys()).sort((a, b) => totals[b] - totals[a] || a - b);
    const most = totals[order[0]];
    const bound = top_k > 0 && top_k < order.length ? totals[order[top_k - 1]] : -Infinity;
    const p = order.map((i) => (totals[i] < bound ? 0 : Math.exp((totals[i] - most) / temperature)));
    const whole = p.reduce((a, b) => a + b, 0);
    let reached = 0, kept = 0;
    while (kept < p.length && p[kept] > 0 && (top_p === 1 || reached / whole < top_p)) {
      reached += p[kept++];
    }
    let left = random() * reached, rank = 0;
    while (rank < kept - 1 && left >= p[rank]) left -= p[rank++];
    return [order[rank]];
  };
}

/** Return a source of numbers from 0 to 1: Steele, Lea and Flood 2014 (SplitMix), of 32 bits. */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32;
  };
}
