/** The label of a text, as the task `sentiment` has it. */

import { lastPart, left, taken, waiting } from "./pieces.js";
import { labelled, softmax } from "./scores.js";
import { integers } from "./tensors.js";
import { Vocabulary, checked, words } from "./words.js";

const LETTERS = 16;

export async function open(model) {
  const vocabulary = new Vocabulary(await model.json("vocabulary.json"));
  const { labels, max_length: longest, letters } = await model.json("text.json");

  function read(tokens) {
    const ids = vocabulary.encode(tokens);
    if (!letters) return integers(ids, [1, ids.length]);
    const spelled = tokens.map((token) => {
      const points = Array.from(token, (one) => one.codePointAt(0)).slice(0, LETTERS);
      return [...points, ...Array(LETTERS - points.length).fill(0)];
    });
    return integers(ids.flatMap((id, i) => [id, ...spelled[i]]), [1, ids.length, 1 + LETTERS]);
  }

  const steps = (text) => vocabulary.encode(words(text)).map((id) => integers([id], [1]));

  return {
    async predict(text) {
      const x = read(words(checked(text)).slice(0, longest));
      const { logits } = await model.run("sequence", { x });
      return { text, ...labelled(labels, softmax(logits.data)) };
    },
    stream: {
      unit: "word",
      says: "label",
      begin: waiting,
      read: (memory, text) => steps(taken(memory, text, lastPart)),
      rest: (memory) => steps(left(memory)),
      say(memory, scores, step) {
        const { label, probabilities } = labelled(labels, softmax(scores));
        return { step, label, probabilities };
      },
    },
  };
}
