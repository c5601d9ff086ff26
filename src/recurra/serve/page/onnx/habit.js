/** How a data set cuts text into words, as `recurra.data.habit` has it. */

import { IDEOGRAPH, LETTER, SPACE, WORD, either, exactly } from "./unicode.js";

const MERGED = { cannot: 3, gonna: 3, gotta: 3, wanna: 3, gimme: 3, lemme: 3 };
const CLOSED = new RegExp(`[${SPACE}"'’”»\\)\\]]*$`, "vy"); // what may follow a text's last word
const WITHIN = new RegExp(`(?<=${LETTER})(?=${LETTER})`, "vy");
const MORE = new RegExp(`[^${SPACE}]`, "vy");
const ENDS = `(?!${LETTER})`;

export class Habit {
  /** @param stored the values of habit.json */
  constructor(stored) {
    this.blanks = stored.blanks;
    this.rules = rules(stored);
    this.kept = new Set(stored.kept);
    this.splitLast = new Set(stored.split_last);
    this.lengths = new Map();
    for (const token of stored.kept) {
      const some = this.lengths.get(token.codePointAt(0)) ?? new Set();
      this.lengths.set(token.codePointAt(0), some.add(token.length));
    }
    for (const [first, some] of this.lengths) {
      this.lengths.set(first, [...some].sort((a, b) => b - a));
    }
  }

  /** Return the words of raw text, composed (NFC); nothing is lost but blanks. */
  words(given) {
    const text = given.normalize("NFC"), plain = text.replaceAll("’", "'"), found = [];
    for (let at = 0; at < text.length; ) {
      this.rules.lastIndex = at;
      const matched = this.rules.test(text) ? this.rules.lastIndex : at;
      const end = Math.max(matched, this.keptUntil(plain, at));
      if (end > at) found.push(text.slice(at, end));
      at = Math.max(end, at + (text.codePointAt(at) > 0xffff ? 2 : 1));
    }
    return found;
  }

  /** Return where the longest kept token that begins here ends, within no other word. */
  keptUntil(text, at) {
    for (const length of this.lengths.get(text.codePointAt(at)) ?? []) {
      const end = at + length, token = text.slice(at, end);
      if (!this.kept.has(token) || from(this.blanks ? MORE : WITHIN, text, end)) continue;
      if (!(this.splitLast.has(token) && from(CLOSED, text, end))) return end;
    }
    return at;
  }
}

/** Return whether a part of a text may follow its last word. */
export const closed = (part) => from(CLOSED, part, 0);

function from(pattern, text, at) {
  pattern.lastIndex = at;
  return pattern.test(text);
}

function rules(habit) {
  if (habit.blanks) return new RegExp(`[^${SPACE}]+`, "vy");
  const cut = habit.suffixes.filter((suffix) => suffix !== "n't");
  const bodies = cut.map((suffix) => either(suffix.slice(1))).join("|");
  const suffix = `['’](?:${bodies})${ENDS}`, not = `[nN]['’][tT]${ENDS}`;
  // Both kinds of joints are followed by a letter; a suffix that is cut off begins no word.
  let joint =
    String.raw`(?:(?<=\p{Nd})${one(habit.digits)}(?=\p{Nd})|` +
    String.raw`${one(habit.inside)}(?!(?<=\p{Nd}[^\n])\p{Nd})(?=${LETTER}))`;
  if (cut.length) joint = `(?!${suffix})${joint}`;
  const core = `${one(habit.before)}?${LETTER}+(?:${joint}${LETTER}+)*`;
  const letter = String.raw`[[\p{L}\p{N}]--\p{Nd}]`, next = `(?=[${SPACE}]+[^${SPACE}])`;
  const shapes = {
    link: String.raw`(?:[${WORD}]+:\/\/|${either("www")}\.)[^${SPACE}<>"]*[${WORD}\/]`,
    initialism: String.raw`(?:${letter}\.){2,}(?:${letter}${ENDS})?`,
    initial: String.raw`[A-ZÀ-ÖØ-ÞΑ-ΩА-Я]\.${next}`,
    ordinal: String.raw`\p{Nd}+\.${next}`,
  };
  const found = Object.keys(shapes).filter((name) => habit.patterns.includes(name));
  const all = [
    ...found.map((name) => shapes[name]),
    ...habit.prefixes.map((one) => `${either(one.slice(0, -1))}['’](?=${LETTER})`),
    ...habit.merged
      .filter((word) => word in MERGED)
      .map((word) => {
        const [first, second] = [word.slice(0, MERGED[word]), word.slice(MERGED[word])];
        return `${either(first)}(?=${either(second)}${ENDS})`;
      }),
    ...(habit.suffixes.includes("n't") ? [`${core}(?=${not})`, not] : []),
    ...(cut.length ? [suffix] : []),
    `${core}(?:${one(habit.after)}${ENDS})?`,
    `[${IDEOGRAPH}]`,
    String.raw`\.\.+`,
    `[^${WORD}${SPACE}]`,
  ];
  return new RegExp(all.map((rule) => `(?:${rule})`).join("|"), "vy");
}

/** Return a pattern of one of the characters; an apostrophe stands for both kinds. */
function one(characters) {
  const both = characters + (characters.includes("'") ? "’" : "");
  return both ? `[${exactly(both)}]` : "[]"; // the class of nothing
}
