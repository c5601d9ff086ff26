/** One question, one answer. */

/**
 * Promises what a model answers to one input, and reports it; null where it fails or is asked anew.
 * @param {object} context of the view.
 * @param {object} input as the model reads it.
 * @param {object} more `options`; `file`, whose content the command reads from disk.
 */
export function asking({ model, backend, report }) {
  let before = new AbortController();
  return async function ask(input, { options = {}, file = null } = {}) {
    before.abort();
    const { signal } = (before = new AbortController());
    const shown = file === null ? input : { ...input, file: "BASE64" };
    report.asked({ body: { inputs: [shown], ...(Object.keys(options).length && { options }) }, file });
    try {
      const [answer] = await backend.predict(model.name, [input], options, signal);
      if (signal.aborted) return null;
      if (answer.error) throw new Error(answer.error);
      report.answered(answer);
      return answer;
    } catch (error) {
      if (!signal.aborted) report.failed(error);
      return null;
    }
  };
}
