/** Words of raw text and their numbers, as `recurra.data.vocabulary` has them. */

import { IDEOGRAPH, LETTER, SPACE, WORD, blank } from "./unicode.js";

export const UNKNOWN = 1;
export const START = 2;
export const END = 3;
const SPECIALS = 4, LONGEST = 100_000;
const NOT = `[nN]['’][tT](?![${WORD}])`; // do·n't
const RULES = [
  `${LETTER}+(?=${NOT})`,
  NOT,
  `['’](?:[sSſ]|[mM]|[dD]|[lL][lL]|[rR][eE]|[vV][eE])(?![${WORD}])`, // it·'s
  String.raw`\p{Nd}+(?:[.,:]\p{Nd}+)+`, // 1,000.5 and 12:30
  `${LETTER}+`,
  `[${IDEOGRAPH}]`,
  String.raw`\.\.+`,
  `[^${WORD}${SPACE}]`,
];
const CUT = new RegExp(RULES.join("|"), "gv");

/** Return the words of a text, in NFC: punctuation and English contractions stand alone. */
export function words(text, lower = true) {
  const composed = text.normalize("NFC");
  return (lower ? composed.toLowerCase() : composed).match(CUT) ?? [];
}

/** Tokens by number; what a text spells is never one of the four specials. */
export class Vocabulary {
  constructor(tokens) {
    this.tokens = tokens;
    this.numbers = new Map(tokens.map((token, number) => [token, number]).slice(SPECIALS));
  }

  encode(tokens) {
    return tokens.map((token) => this.numbers.get(token) ?? UNKNOWN);
  }

  /** Return the tokens, without padding, start and end. */
  decode(numbers) {
    return numbers.filter((n) => n === UNKNOWN || n >= SPECIALS).map((n) => this.tokens[n]);
  }
}

/** Return a text that can be read and, unless it may be empty, says something; else throw why. */
export function checked(text, mayBeEmpty = false) {
  if (typeof text !== "string") throw new Error("an input is no text; give a text");
  if (!text.isWellFormed()) throw new Error("the text holds half a character");
  const size = Array.from(text).length;
  if (size > LONGEST) {
    const [have, most] = [size, LONGEST].map((n) => n.toLocaleString("en"));
    throw new Error(`the text has ${have} characters; at most ${most} are read`);
  }
  if (!mayBeEmpty && blank(text)) throw new Error("the text is empty; give a text");
  return text;
}
