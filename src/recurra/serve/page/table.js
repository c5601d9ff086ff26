/** A table that is dropped or made here, and what is asked about it. */

import { base64, drop } from "./drop.js";
import { button, element } from "./element.js";
import { parsed } from "./csv.js";

const FORMS = { csv: "csv", tsv: "tsv", json: "json", parquet: "parquet", ts: "ts", npz: "npz" };

/**
 * Returns the place of a table.
 * @param {string} accept endings that the model reads.
 * @param {function} example → text of CSV.
 * @param {function} take ({input, file, table}) → a promise; `table` is null where it is no text.
 * @param {function} failed is given an error.
 */
export function table(accept, example, take, failed) {
  const name = element("p", { class: "note" });
  async function given(file, bytes) {
    const form = FORMS[file.split(".").at(-1).toLowerCase()];
    if (!form) throw new Error(`${file}: give a file that ends in ${accept}`);
    const text = form === "csv" || form === "tsv" ? new TextDecoder().decode(bytes) : null;
    name.textContent = `${file}, ${bytes.length.toLocaleString("en")} bytes`;
    await take({ input: { file: base64(bytes), form }, file, table: text === null ? null : parsed(text) });
  }
  const made = button("Try an example", () => given("example.csv", new TextEncoder().encode(example())).catch(failed), { class: "main" });
  return element("div", {}, element("p", { class: "row" }, made), drop("or drop a table here", accept, (file, bytes) => given(file.name, bytes), failed), name);
}
