/** A piano roll that grows, and is played. */

import { drawn, element } from "./element.js";

const [BEAT, KEY] = [28, 5]; // pixels of a beat, of a half tone
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

/** Returns the name of a key by its MIDI number: C4 is the middle one. */
export const named = (pitch) => `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;

/**
 * Returns a roll: `element`, `show(notes)` and `at(beat)`, which moves the line that says what sounds;
 * null takes it away. A note is {start, length, pitch, kind}, times in beats.
 * @param {string} label what it is of.
 */
export function roll(label) {
  const place = element("div", { class: "scroll roll", tabindex: 0, role: "img", "aria-label": `${label}: empty` });
  const line = drawn("path", { class: "now", d: "" });
  let height = 0;
  return {
    element: place,
    show(notes) {
      const pitches = notes.map((note) => note.pitch);
      const [low, high] = [Math.min(48, ...pitches) - 2, Math.max(72, ...pitches) + 2];
      const beats = Math.max(8, ...notes.map((note) => note.start + note.length));
      height = KEY * (high - low + 1);
      const octaves = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((pitch) => pitch % 12 === 0);
      place.replaceChildren(drawn("svg", { width: BEAT * beats, height, viewBox: `0 0 ${BEAT * beats} ${height}`, "aria-hidden": "true" },
        octaves.map((pitch) => drawn("path", { class: "grid", d: `M0 ${KEY * (high - pitch + 1)}H${BEAT * beats}` })),
        Array.from({ length: Math.floor(beats / 4) + 1 }, (_, i) => drawn("path", { class: "grid", d: `M${4 * BEAT * i} 0V${height}` })),
        notes.map(({ start, length, pitch, kind = "c0" }) => drawn("rect", { class: `note ${kind}`, x: BEAT * start, width: Math.max(BEAT * length - 1.5, 2), y: KEY * (high - pitch), height: KEY - 0.5, rx: 1 })),
        line));
      place.setAttribute("aria-label", `${label}: ${notes.length} notes in ${beats.toFixed(0)} beats`);
      place.scrollLeft = place.scrollWidth;
    },
    at(beat) {
      line.setAttribute("d", beat === null ? "" : `M${BEAT * beat} 0V${height}`);
      if (beat !== null && (BEAT * beat > place.scrollLeft + place.clientWidth || BEAT * beat < place.scrollLeft)) place.scrollLeft = BEAT * beat - 40;
    },
  };
}
