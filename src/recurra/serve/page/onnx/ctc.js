/** From CTC's scores to symbols, as `recurra.decoding` has it; the blank is 0. */

import { argmax } from "./scores.js";

/** Return the likeliest class of each frame, repeats and blanks taken out. */
export function bestPath(frames) {
  const path = frames.map(argmax);
  return path.filter((symbol, t) => symbol !== 0 && symbol !== path[t - 1]);
}

const plus = (a, b) => {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log(Math.exp(a - most) + Math.exp(b - most));
};

/** Return the symbols of the best of so many beginnings, each the sum of its alignments. */
export function prefixBeam(frames, width, bonus = []) {
  let beam = [{ symbols: [], blank: 0, symbol: -Infinity, earned: 0 }];
  for (const frame of frames) {
    const kept = beam.map(({ symbols, blank, symbol, earned }) => {
      const total = plus(blank, symbol), last = symbols.at(-1);
      const stays = last === undefined ? -Infinity : symbol + frame[last];
      return { symbols, blank: total + frame[0], symbol: stays, earned };
    });
    const places = new Map(beam.map(({ symbols }, i) => [symbols.join(), i])), grown = [];
    beam.forEach(({ symbols, blank, symbol, earned }) => {
      for (let next = 1; next < frame.length; next++) {
        // twice the same: past a blank only
        const before = next === symbols.at(-1) ? blank : plus(blank, symbol);
        const found = [...symbols, next], there = kept[places.get(found.join())];
        // a beginning that grows into one that is kept already is that one
        if (there) there.symbol = plus(there.symbol, before + frame[next]);
        else grown.push({ symbols: found, blank: -Infinity, symbol: before + frame[next], earned: earned + (bonus[next] ?? 0) });
      }
    });
    beam = ranked([...kept, ...grown]).slice(0, width);
  }
  return ranked(beam)[0].symbols;
}

const ranked = (beam) => {
  const score = new Map(beam.map((one) => [one, plus(one.blank, one.symbol) + one.earned]));
  return beam.sort((a, b) => score.get(b) - score.get(a));
};

/** Return where each symbol is heard by its likeliest alignment: {symbol, start, stop, score}. */
export function align(frames, symbols) {
  const { states, jumps } = between(symbols), came = [];
  let best = states.map((_, i) => (i ? -Infinity : 0)); // a blank before the first frame
  for (const frame of frames) {
    const now = states.map((_, i) => {
      const from = [best[i], best[i - 1] ?? -Infinity, jumps[i] ? best[i - 2] : -Infinity];
      return argmax(from);
    });
    best = states.map((state, i) => best[i - now[i]] + frame[state]);
    came.push(now);
  }
  let state = states.length - 1;
  if (state && best[state - 1] > best[state]) state -= 1;
  const path = [];
  for (let t = frames.length - 1; t >= 0; t--) {
    path[t] = state;
    state -= came[t][state];
  }
  const found = [];
  path.forEach((at, t) => {
    if (at % 2 === 0) return;
    const score = frames[t][states[at]], last = found[(at - 1) / 2];
    if (last) Object.assign(last, { stop: t + 1, score: Math.max(last.score, score) });
    else found.push({ symbol: states[at], start: t, stop: t + 1, score });
  });
  return found;
}

/** Return the log probability of symbols, over all alignments. */
export function likelihood(frames, symbols) {
  const { states, jumps } = between(symbols);
  let total = states.map((_, i) => (i ? -Infinity : 0));
  for (const frame of frames) {
    total = states.map((state, i) => {
      const stays = plus(total[i], total[i - 1] ?? -Infinity);
      return (jumps[i] ? plus(stays, total[i - 2]) : stays) + frame[state];
    });
  }
  return plus(total.at(-1), total.at(-2) ?? -Infinity);
}

/** Return symbols with blanks around them, and which states are reached past a blank. */
function between(symbols) {
  const states = [0, ...symbols.flatMap((symbol) => [symbol, 0])];
  // unless it parts two equal symbols
  const jumps = states.map((state, i) => i > 1 && state !== 0 && state !== states[i - 2]);
  return { states, jumps };
}
