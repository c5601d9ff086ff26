/** Byte-pair encoding from a tokenizer.json that `recurra.data.vocabulary.train_subwords` made. */

const SPACES = /\p{White_Space}+/gu, EDGES = /^\p{White_Space}+|\p{White_Space}+$/gu;
// the tokenizers library's own list of punctuation, which is of an older Unicode
const LATER = String.raw`\u061d\u09fd\u0a76\u0c77\u0c84\u1b7d\u1b7e\u2e43-\u2e4f\u2e52-\u2e5d
\u{10ead}\u{10f55}-\u{10f59}\u{10f86}-\u{10f89}\u{1144b}-\u{1144f}\u{1145a}\u{1145b}\u{1145d}
\u{11660}-\u{1166c}\u{116b9}\u{1183b}\u{11944}-\u{11946}\u{119e2}\u{11a3f}-\u{11a46}
\u{11a9a}-\u{11a9c}\u{11a9e}-\u{11aa2}\u{11c41}-\u{11c45}\u{11c70}\u{11c71}\u{11ef7}\u{11ef8}
\u{11fff}\u{12ff1}\u{12ff2}\u{16e97}-\u{16e9a}\u{16fe2}\u{1e95e}\u{1e95f}`.replaceAll("\n", "");
const MARK = String.raw`[[\p{P}$+<=>\^\x60\|~\u166d\u{111c9}]--[${LATER}]]`;
const PARTS = new RegExp(`${MARK}|\\p{N}|▁?[^\\p{N}${MARK}▁]+|▁`, "gv");
const BYTE = /^<0x([0-9A-F]{2})>$/;

export class Tokenizer {
  /** @param stored the values of tokenizer.json */
  constructor(stored) {
    const { vocab, merges, byte_fallback: bytes, unk_token: unknown } = stored.model;
    this.numbers = new Map(Object.entries(vocab));
    this.tokens = [];
    for (const [token, number] of this.numbers) this.tokens[number] = token;
    this.ranks = rankedPairs(merges);
    this.bytes = bytes;
    this.unknown = this.numbers.get(unknown);
  }

  /** Return the numbers of a text. */
  encode(given) {
    const text = given.normalize("NFC").replace(SPACES, " ").replace(EDGES, "");
    if (!text) return [];
    const spaced = (text[0] === "▁" ? "" : "▁") + text.replaceAll(" ", "▁");
    return spaced.match(PARTS).flatMap((part) => this.part(part));
  }

  /** Return the numbers of a part between blanks. */
  part(text) {
    const pieces = merged(Array.from(text).flatMap((one) => this.spelled(one)), this.ranks);
    return pieces.map((piece) => this.numbers.get(piece) ?? this.unknown);
  }

  /** Return a character, or its bytes where it has no number. */
  spelled(one) {
    if (!this.bytes || this.numbers.has(one)) return [one];
    return Array.from(new TextEncoder().encode(one), (byte) => {
      return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    });
  }

  /** Return the text of numbers; bytes that are no characters are � each. */
  decode(numbers) {
    const found = [];
    for (let i = 0; i < numbers.length; ) {
      const bytes = [];
      for (let byte; i < numbers.length && (byte = BYTE.exec(this.tokens[numbers[i]])); i++) {
        bytes.push(parseInt(byte[1], 16));
      }
      if (bytes.length) found.push(utf8(bytes));
      else {
        const token = this.tokens[numbers[i]].replaceAll("▁", " ");
        found.push(i === 0 ? token.replace(/^ /, "") : token);
        i++;
      }
    }
    return found.join("");
  }
}

/** Return the rank of each pair that becomes one. */
export function rankedPairs(merges) {
  return new Map(merges.map((pair, rank) => [[].concat(pair).join(" "), rank]));
}

/** Return pieces, neighbours made one in the order of their ranks. */
export function merged(pieces, ranks) {
  for (;;) {
    let best = Infinity, at = -1;
    for (let i = 0; i + 1 < pieces.length; i++) {
      const rank = ranks.get(`${pieces[i]} ${pieces[i + 1]}`) ?? Infinity;
      if (rank < best) [best, at] = [rank, i];
    }
    if (at < 0) return pieces;
    pieces.splice(at, 2, pieces[at] + pieces[at + 1]);
  }
}

function utf8(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    return "�".repeat(bytes.length);
  }
}
