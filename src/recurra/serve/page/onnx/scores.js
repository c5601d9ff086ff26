/** What scores say: probabilities, and which is the greatest. */

/** Return log probabilities of logits. */
export function logSoftmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const total = Math.log(logits.reduce((sum, one) => sum + Math.exp(one - most), 0));
  return Float64Array.from(logits, (one) => one - most - total);
}

/** Return probabilities of logits. */
export const softmax = (logits) => Array.from(logSoftmax(logits), Math.exp);

/** Return the place of the greatest, of equal ones the first. */
export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** Return label, probability and probabilities; of equal ones the last label, as Python does. */
export function labelled(labels, p) {
  const best = labels.reduce((a, _, i) => (p[i] >= p[a] ? i : a), 0);
  const probabilities = Object.fromEntries(labels.map((label, i) => [label, p[i]]));
  return { label: labels[best], probability: p[best], probabilities };
}
