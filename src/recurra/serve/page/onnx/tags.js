/** A tag for every word of a sentence, as the task `ner` has it. */

import { Habit, closed } from "./habit.js";
import { lastPart, left, taken, waiting } from "./pieces.js";
import { argmax } from "./scores.js";
import { integers } from "./tensors.js";
import { SPACE } from "./unicode.js";
import { Vocabulary, checked, words } from "./words.js";

const LETTERS = 16, SHAPES = 7;
const TITLE = /\p{Lt}/u, UPPER = /\p{Uppercase}/u, LOWER = /\p{Lowercase}/u;
// digits that are no decimals, too: `str.isdigit`
const DIGIT = new RegExp(
  String.raw`[\p{Nd}²³¹\u1369-\u1371\u19da⁰⁴-⁹₀-₉①-⑨⑴-⑼⒈-⒐⓪⓵-⓽⓿❶-❾➀-➈➊-➒` +
    String.raw`\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]`,
  "u",
);
const isLower = (text) => LOWER.test(text) && !UPPER.test(text) && !TITLE.test(text);
const isUpper = (text) => UPPER.test(text) && !LOWER.test(text) && !TITLE.test(text);

/** Return the number of a word's shape, counted from 1; a first word is capital anyway. */
export function shape(word, first) {
  const [head, ...rest] = Array.from(word);
  if (DIGIT.test(word)) return 4;
  if (isLower(word)) return 1;
  if (isUpper(word) && rest.length) return 3;
  const capital = head !== undefined && isUpper(head);
  if (capital && (!rest.length || isLower(rest.join("")))) return first ? 7 : 2;
  return /^\p{L}+$/u.test(word) ? 5 : 6;
}

export async function open(model) {
  const stored = await model.json("tags.json");
  const known = new Vocabulary(await model.json("words.json"));
  const letters = new Vocabulary(await model.json("letters.json"));
  const values = await model.optional("habit.json"), habit = values && new Habit(values);
  const { tags, max_length: longest, documents } = stored;
  const width = 2 + documents + LETTERS, softmaxed = !("best_path" in model.graphs);
  const best = softmaxed ? null : model.described.path;

  const cut = (text) => (habit ? habit.words(text) : words(text, false));

  /** Return the numbers of a word; `places` are those of the words before it. */
  function row(token, first, places) {
    const lower = token.toLowerCase();
    if (!places.has(lower)) places.set(lower, places.size + 1);
    const spelled = letters.encode(Array.from(token).slice(0, LETTERS));
    return [
      known.encode([lower])[0],
      shape(token, first) + (first && documents ? SHAPES : 0),
      ...(documents ? [places.get(lower)] : []),
      ...spelled,
      ...Array(LETTERS - spelled.length).fill(0),
    ];
  }

  /** Return the sentences of an input: a text, or a list of its words. */
  function sentences(given) {
    if (Array.isArray(given)) return [given.map((word) => checked(word))];
    const lines = documents ? checked(given).split(LINES) : [checked(given)];
    return lines.map(cut).filter((tokens) => tokens.length);
  }

  async function path(tokens, starts) {
    const places = new Map(), read = tokens.slice(0, longest);
    const composed = habit ? read.map((token) => token.normalize("NFC")) : read;
    const x = integers(
      composed.flatMap((token, i) => row(token, starts.has(i), places)),
      [1, read.length, width],
    );
    const { scores } = await model.run("sequence", { x });
    if (!softmaxed) {
      const best = await model.run("best_path", { scores });
      return Array.from(best.tags.data, Number);
    }
    return read.map((_, i) => argmax(scores.data.subarray(i * tags.length, (i + 1) * tags.length)));
  }

  return {
    async predict(given) {
      const found = sentences(given), tokens = found.flat();
      if (!tokens.length) throw new Error("the text has no words; give a sentence");
      const starts = new Set();
      found.reduce((at, some) => (starts.add(at), at + some.length), 0);
      const best = await path(tokens, starts);
      const said = tokens.map((_, i) => {
        const tag = i < best.length ? tags[best[i]] : "O";
        // no entity goes on in the next sentence
        return i && starts.has(i) ? tag.replace(/^I-/, "B-") : tag;
      });
      return { tokens, tags: said, entities: spans(tokens, said) };
    },
    stream: !documents && {
      unit: "word",
      says: "tag",
      begin: () => ({ ...waiting(), words: [], begun: false, best: null }),
      read(memory, given) {
        if (!Array.isArray(given)) return steps(memory, cut(taken(memory, given, certain)));
        return steps(memory, [...cut(left(memory)), ...given.map((word) => checked(word))]);
      },
      rest: (memory) => steps(memory, cut(left(memory))),
      say: (memory, scores, step) => {
        const tag = best ? lastOf(best, memory, scores) : argmax(scores);
        return { step, word: memory.words.shift(), tag: tags[tag] };
      },
    },
  };

  /** Return words as steps; they wait until their tags are known. */
  function steps(memory, tokens) {
    return tokens.map((token) => {
      const composed = habit ? token.normalize("NFC") : token;
      const numbers = row(composed, !memory.begun, new Map());
      memory.begun = true;
      memory.words.push(token);
      return integers(numbers, [1, width]);
    });
  }

  /** Return up to where no more text changes how it is cut. */
  function certain(text) {
    if (!habit) return lastPart(text);
    return Array.from(text.matchAll(PARTS)).filter(([part]) => !closed(part)).at(-1)?.index ?? 0;
  }
}

/**
 * Return the tag in which the best path so far ends; `memory.best` is how good the best one is that
 * ends in each.
 *
 * @param crf scores of start, moves and end
 */
export function lastOf({ start, moves, end }, memory, scores) {
  const { best } = memory;
  const before = best ? end.map((_, tag) => Math.max(...best.map((one, from) => one + moves[from][tag]))) : start;
  const found = before.map((one, tag) => one + scores[tag]), most = Math.max(...found);
  memory.best = found.map((one) => one - most); // what counts is the difference, and it stays small
  return argmax(memory.best.map((one, tag) => one + end[tag]));
}

const PARTS = new RegExp(`[^${SPACE}]+`, "gv");
// the ends of lines of `str.splitlines`
const LINES = /\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]/u;

/** Return the entities of IOB2 tags: text, type, first and last word. */
export function spans(tokens, tags) {
  const found = [];
  tags.forEach((tag, i) => {
    if (tag === "O") return;
    const kind = tag.slice(2), last = found.at(-1);
    if (tag[0] === "I" && last?.[1] === kind && last[3] === i - 1) {
      [last[0], last[3]] = [`${last[0]} ${tokens[i]}`, i];
    } else found.push([tokens[i], kind, i, i]);
  });
  return found;
}
