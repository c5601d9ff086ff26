/** A text is followed as it is typed. */

const IDLE = 700; // milliseconds after which the last word counts as finished
const DEBOUNCE = 180;

/**
 * Returns what follows a text by the model's stream, or else by whole answers to what is typed so far.
 *
 * A stream is given each piece as soon as it is complete. Where what was given is changed, the session
 * ends and begins anew with the text of now.
 * @param {object} context of the view.
 * @param {object} on `fresh()`: answers so far count no more; `answers(list)`: the next ones of the
 *   stream; `whole(answer)`: of predict.
 * @param {function} split (text, finished) → its pieces that are complete.
 * @returns {object} `text(value)`, `close()`.
 */
export function follow({ model, backend, report }, on, split) {
  return model.stream ? streamed(model, backend, report, on, split) : whole(model, backend, report, on);
}

function whole(model, backend, report, on) {
  let timer, asked = new AbortController();
  async function ask(text) {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    if (!text.trim()) return on.fresh();
    report.asked({ body: { inputs: [text] } });
    try {
      const [answer] = await backend.predict(model.name, [text], {}, signal);
      if (signal.aborted) return;
      if (answer.error) throw new Error(answer.error);
      report.answered(answer);
      on.whole(answer);
    } catch (error) {
      if (!signal.aborted) report.failed(error);
    }
  }
  return {
    text(value) {
      clearTimeout(timer);
      timer = setTimeout(ask, DEBOUNCE, value);
    },
    close() {
      clearTimeout(timer);
      asked.abort();
    },
  };
}

function streamed(model, backend, report, on, split) {
  let timer, sent = [], ended = true, stale = 0, text = "", all = [];
  const opening = backend.stream(model.name, {}, {
    answer(message) {
      if (stale > 0) stale -= Boolean(message.ended);
      else if (message.error) report.failed(new Error(message.error));
      else {
        all.push(...message.answers);
        report.answered(all);
        on.answers(message.answers);
      }
    },
    closed: (reason) => report.failed(new Error(reason)),
    lost() {
      const finished = ended;
      [sent, ended, stale] = [[], true, 0];
      give(finished);
    },
  }).catch((error) => report.failed(error));

  async function give(finished) {
    const stream = await opening;
    const pieces = split(text, finished);
    const kept = !ended && sent.every((piece, i) => piece === pieces[i]);
    if (!stream || (kept && !finished && pieces.length === sent.length)) return;
    if (!kept) {
      if (!ended) {
        stale += 1;
        stream.send([], { end: true });
      }
      [sent, all, ended] = [[], [], false];
      on.fresh();
    }
    const next = pieces.slice(sent.length);
    [sent, ended] = [pieces, finished];
    report.asked({ body: { inputs: [text] } });
    if (next.length || finished) stream.send(next, { end: finished });
  }

  return {
    text(value) {
      if (value === text) return;
      text = value;
      clearTimeout(timer);
      give(false);
      timer = setTimeout(give, IDLE, true);
    },
    async close() {
      clearTimeout(timer);
      (await opening)?.close();
    },
  };
}

/** Splits a text into words, each with the blanks behind it; the last may still be growing. */
export function words(text, finished) {
  const all = text.match(/\S+\s*/g) ?? [];
  return finished || /\s$/.test(text) ? all : all.slice(0, -1);
}

/** Splits a text into characters. */
export const characters = (text) => [...text];
