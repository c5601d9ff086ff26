/** Elements of HTML and SVG. What is put in is text or elements, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Returns an element of HTML.
 * @param {string} name of its tag.
 * @param {object} attributes functions are listeners ("onclick"), true and false are there or not,
 *   names that begin with "--" are properties of its style.
 * @param {...(Node|string|null)} children null is left out.
 */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Returns an element of SVG; arguments as for `element`. */
export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) made.style.setProperty(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/** Returns a button. */
export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

/** Returns a group of fields with their heading. */
export function panel(title, ...children) {
  return element("section", { class: "panel", "aria-label": title }, element("h2", {}, title), ...children);
}

/** Returns a labelled field; the field needs an id. */
export function labelled(text, field) {
  return element("div", { class: "field" }, element("label", { for: field.id }, text), field);
}

/** Returns a promise that is kept after so many seconds, or broken by the signal. */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

/** Returns a share as a percentage that people read. */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
