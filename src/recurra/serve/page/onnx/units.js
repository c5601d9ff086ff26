/** What a text is made of: characters, bytes, words or subwords, as `recurra.data.units` has them. */

import { between } from "./unicode.js";
import { merged, rankedPairs } from "./tokenizer.js";

export const END = 0;
export const UNKNOWN = 1;
const FIRST = 2, utf8 = new TextEncoder();
// the pieces of byte-level byte-pair encoding, as the tokenizers library cuts them
const SPACE = String.raw`\p{White_Space}`;
const PARTS = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^${SPACE}\p{L}\p{N}]+|` +
    String.raw`${SPACE}+(?![^${SPACE}])|${SPACE}+`,
  "gu",
);

/**
 * Return the units of units.json: `encode` text → numbers, `spell` number → bytes, `shown` text →
 * its units for people.
 */
export function units({ unit, vocabulary }) {
  const found = { characters, bytes, words, subwords }[unit](vocabulary);
  const spelled = (text) => found.encode(text).map((number) => escaped(found.spell(number)));
  return { name: unit, shown: spelled, ...found };
}

function characters(known) {
  const all = Array.from(known), numbers = new Map(all.map((one, i) => [one, FIRST + i]));
  return {
    encode: (text) => Array.from(text, (one) => numbers.get(one) ?? UNKNOWN),
    spell: (number) => utf8.encode(number === UNKNOWN ? "\ufffd" : (all[number - FIRST] ?? "")),
    shown: (text) => Array.from(text),
  };
}

function bytes() {
  return {
    encode: (text) => Array.from(utf8.encode(text), (byte) => byte + FIRST),
    spell: (number) => Uint8Array.from(number < FIRST ? [] : [number - FIRST]),
  };
}

function words(known) {
  const LINE = FIRST, numbers = new Map(known.map((word, i) => [word, LINE + 1 + i]));
  const lines = (text, line, word) =>
    text.split("\n").flatMap((one, i) => [...(i ? [line] : []), ...between(one).map(word)]);
  return {
    encode: (text) => lines(text, LINE, (word) => numbers.get(word) ?? UNKNOWN),
    spell: (number) => utf8.encode(["", " <unk>", "\n"][number] ?? ` ${known[number - LINE - 1]}`),
    shown: (text) => lines(text, "<eos>", (word) => word),
  };
}

function subwords({ vocabulary, merges }) {
  const numbers = new Map(Object.entries(vocabulary)), ranks = rankedPairs(merges);
  const letters = alphabet(), places = new Map(letters.map((letter, byte) => [letter, byte]));
  const pieces = [];
  for (const [piece, number] of numbers) pieces[number] = piece;
  const lettered = (part) => Array.from(utf8.encode(part), (byte) => letters[byte]);
  return {
    encode: (text) =>
      (text.match(PARTS) ?? []).flatMap((part) => {
        return merged(lettered(part), ranks).map((piece) => numbers.get(piece));
      }),
    spell: (number) => {
      return Uint8Array.from(number < FIRST ? "" : pieces[number], (letter) => places.get(letter));
    },
  };
}

/** Return the letter that stands for each byte: itself where it prints, else one from 256 on. */
function alphabet() {
  let other = 256;
  const prints = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(prints(byte) ? byte : other++));
}

/** Return bytes as text; those that are no characters are written as \x... */
function escaped(given) {
  let found = "";
  for (let i = 0; i < given.length; ) {
    const size = [1, 2, 3, 4].find((n) => i + n <= given.length && whole(given.subarray(i, i + n)));
    if (size) found += new TextDecoder("utf-8", { ignoreBOM: true }).decode(given.subarray(i, i + size));
    else found += `\\x${given[i].toString(16).padStart(2, "0")}`;
    i += size ?? 1;
  }
  return found;
}

function whole(given) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(given);
    return true;
  } catch {
    return false;
  }
}
