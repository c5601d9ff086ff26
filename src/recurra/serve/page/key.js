/** The question for a key, asked where a server wants one. */

const dialog = document.querySelector("#key");
const field = document.querySelector("#key-text");

/**
 * Promises the key that was typed; null where none was.
 * @param {string} reason what the server said.
 */
export function ask(reason) {
  document.querySelector("#key-reason").textContent = reason;
  field.value = "";
  dialog.returnValue = "none";
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "use" ? field.value : null), { once: true });
  });
}
