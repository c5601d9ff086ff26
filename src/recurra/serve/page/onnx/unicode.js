/** Classes of characters as Python's `re` and `str` know them; JavaScript's own differ. */

/** Blanks: `str.isspace`, without the byte order mark, with the separators of 0x1c to 0x1f. */
export const SPACE = String.raw`\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
/** Written without spaces between words. */
export const IDEOGRAPH = String.raw`\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff`;
/** `\w`. */
export const WORD = String.raw`\p{L}\p{N}_`;
/** A character of a word; marks belong to the word that they stand in. */
export const LETTER = `[[${WORD}[\\p{M}&&[\\u0300-\\ufe2f]]]--[${IDEOGRAPH}]]`;

/** Return the pattern of one text, small or capital: `re.IGNORECASE`, with its further equals. */
export function either(text) {
  const further = { s: "\u017f", k: "\u212a", i: "\u0131\u0130", å: "\u212b", ß: "\u1e9e" };
  return Array.from(text, (one) => {
    const small = one.toLowerCase(), capital = small.toUpperCase();
    const both = small + (Array.from(capital).length === 1 ? capital : "");
    return `[${exactly(both + (further[small] ?? ""))}]`;
  }).join("");
}

/** Return a text as a pattern, within a class or without. */
export function exactly(text) {
  return Array.from(text, (one) => `\\u{${one.codePointAt(0).toString(16)}}`).join("");
}

const BLANK = new RegExp(`^[${SPACE}]*$`, "v");

/** Return whether a text says nothing. */
export const blank = (text) => BLANK.test(text);

/** Return what stands between blanks: `str.split`. */
export const between = (text) => text.split(new RegExp(`[${SPACE}]+`, "v")).filter(Boolean);
