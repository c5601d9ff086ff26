/** A place for a file: dropped, or chosen. */

import { element } from "./element.js";

const MOST = 32 << 20; // bytes of a file

/**
 * Returns the place.
 * @param {string} text what is wanted.
 * @param {string} accept endings, as an input of HTML lists them.
 * @param {function} take (file, bytes) → a promise; what it throws, `failed` is given.
 */
export function drop(text, accept, take, failed) {
  async function use(file) {
    if (!file) return;
    try {
      if (file.size > MOST) throw new Error(`${file.name} has ${(file.size / 2 ** 20).toFixed(0)} MiB; give a file of at most ${MOST >> 20}`);
      await take(file, new Uint8Array(await file.arrayBuffer()));
    } catch (error) {
      failed(error);
    }
  }
  const field = element("input", { type: "file", accept, class: "unseen", onchange: () => use(field.files[0]).then(() => (field.value = "")) });
  const over = (is) => (event) => {
    event.preventDefault();
    place.classList.toggle("over", is);
  };
  const place = element("label", { class: "drop", ondragover: over(true), ondragleave: over(false), ondrop(event) {
    over(false)(event);
    use(event.dataTransfer.files[0]);
  } }, field, element("span", {}, text), element("span", { class: "button" }, "Choose a file"));
  return place;
}

/** Returns bytes as base64. */
export function base64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text);
}

/** Returns the bytes of base64. */
export function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Hands bytes to the person as a file. */
export function save(content, name, type) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = element("a", { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
