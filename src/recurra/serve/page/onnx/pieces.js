/** Text that comes in pieces: what of it is whole, and what waits for the next piece. */

import { SPACE } from "./unicode.js";

const LAST = new RegExp(`[^${SPACE}]*$`, "v"), ENDS = new RegExp(`[${SPACE}]+$`, "v");

/** Return the memory of a text of which nothing is known. */
export const waiting = () => ({ waiting: "", half: "" });

/**
 * Return what is whole now.
 *
 * @param certain text → up to where no more text changes how it is cut
 */
export function taken(memory, given, certain) {
  if (typeof given !== "string") throw new Error(`a frame is a ${typeof given}; give a text`);
  const text = memory.half + given, half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
  const joined = text.slice(0, text.length - half.length);
  if (!joined.isWellFormed()) throw new Error("a frame holds half a character; give whole ones");
  const whole = memory.waiting + joined, stop = certain(whole);
  [memory.waiting, memory.half] = [whole.slice(stop), half];
  return whole.slice(0, stop);
}

/** Return the text that waited, at the end; half a character is none. */
export function left(memory) {
  const { waiting: found } = memory;
  Object.assign(memory, waiting());
  return found;
}

/** Return where the last part between blanks begins, if the next piece may go on with it. */
export const lastPart = (text) => LAST.exec(text).index;

/** Return a text without the blanks at its end. */
export const trimmed = (text) => text.replace(ENDS, "");
