/** Keys of a piano that are chosen, and tinted by how likely they are. */

import { element } from "./element.js";
import { named } from "./roll.js";

const [LOW, HIGH] = [36, 84];
const BLACK = new Set([1, 3, 6, 8, 10]);

/**
 * Returns keys: `element`, `chosen()` MIDI numbers, `clear()`, `likely([[number, p]])`.
 * Arrow keys move along them, space or Enter chooses.
 * @param {function} sound (number) is called where one is chosen.
 */
export function keyboard(sound) {
  const keys = new Map();
  const place = element("div", { class: "keys", role: "group", "aria-label": "Keys of a piano; arrow keys move along them" });
  for (let pitch = LOW; pitch <= HIGH; pitch++) {
    const key = element("button", { type: "button", class: BLACK.has(pitch % 12) ? "black" : "white", tabindex: pitch === 60 ? 0 : -1, "aria-pressed": "false", "aria-label": named(pitch), onclick: () => toggle(pitch), onkeydown: (event) => walk(event, pitch) });
    keys.set(pitch, key);
    place.append(key);
  }
  function press(key, is) {
    key.setAttribute("aria-pressed", is);
  }
  function toggle(pitch) {
    const key = keys.get(pitch);
    const is = key.getAttribute("aria-pressed") !== "true";
    press(key, is);
    if (is) sound(pitch);
  }
  function walk(event, pitch) {
    const to = { ArrowLeft: pitch - 1, ArrowRight: pitch + 1, Home: LOW, End: HIGH }[event.key];
    if (!keys.has(to)) return;
    event.preventDefault();
    keys.get(pitch).tabIndex = -1;
    keys.get(to).tabIndex = 0;
    keys.get(to).focus();
  }
  const scroll = element("div", { class: "scroll" }, place);
  requestAnimationFrame(() => (scroll.scrollLeft = keys.get(55).offsetLeft)); // where it is narrow: the middle
  return {
    element: scroll,
    chosen: () => [...keys].filter(([, key]) => key.getAttribute("aria-pressed") === "true").map(([pitch]) => pitch),
    clear: () => keys.forEach((key) => press(key, false)),
    likely(pairs) {
      const found = new Map(pairs);
      for (const [pitch, key] of keys) {
        const p = found.get(pitch) ?? 0;
        key.style.setProperty("--p", p);
        key.setAttribute("aria-label", p > 0.005 ? `${named(pitch)}, next with ${Math.round(100 * p)} %` : named(pitch));
      }
    },
  };
}
