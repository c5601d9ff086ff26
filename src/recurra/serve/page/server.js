/** The backend behind this page's own server: HTTP, events as they are written, WebSockets. */

import { pause } from "./element.js";
import { Session } from "./session.js";

const KEY = "recurra-key";
const FIRST = 0.5; // seconds until a server that is gone is asked again; then twice as many
const LONGEST = 3;
const PATIENCE = 6; // how often in a row a limit is waited for

/** What a server said of a request that it refused. */
export class Refused extends Error {}

/**
 * Returns the backend.
 * @param {string} base address of the server.
 * @param {object} listener `tell(state)` is told `{away: seconds}` where the server is gone,
 *   `{wait: seconds}` where a limit is reached, `{}` where all is well; `ask(reason)` promises a key
 *   or null.
 */
export async function connect(base, { tell = () => {}, ask = async () => null } = {}) {
  const key = () => sessionStorage.getItem(KEY);
  let asking = null; // one question for all requests that lack the key

  async function unlock(reason) {
    asking ??= ask(reason).finally(() => (asking = null));
    const given = await asking;
    if (given === null) throw new Refused(reason);
    sessionStorage.setItem(KEY, given);
  }

  async function request(path, body, signal) {
    const content = body && { method: "POST", body: JSON.stringify(body) };
    for (let seconds = FIRST, waits = 0; ; ) {
      const used = key();
      const headers = { ...(body && { "Content-Type": "application/json" }) };
      if (used !== null) headers.Authorization = `Bearer ${used}`;
      let answer;
      try {
        answer = await fetch(new URL(path, base), { ...content, headers, signal });
      } catch (error) {
        signal?.throwIfAborted();
        tell({ away: seconds, reason: error.message });
        await pause(seconds, signal);
        seconds = Math.min(2 * seconds, LONGEST);
        continue;
      }
      const limited = answer.status === 429 || answer.status === 503;
      if (limited && ++waits <= PATIENCE) {
        const wait = Math.max(Number(answer.headers.get("Retry-After")) || 1, 0.2);
        tell({ wait, reason: await line(answer) });
        await pause(wait, signal);
        continue;
      }
      tell({});
      if (answer.ok) return answer;
      const reason = await line(answer);
      if (answer.status !== 401) throw new Refused(reason);
      if (key() === used) await unlock(reason);
    }
  }

  const place = (name, what = "") => `v1/models/${encodeURIComponent(name)}${what}`;
  return {
    /** Whether requests carry a key. */
    get keyed() {
      return key() !== null;
    },
    async models() {
      return (await (await request("v1/models")).json()).models;
    },
    async predict(name, inputs, options = {}, signal) {
      const answer = await request(place(name, "/predict"), { inputs, options }, signal);
      return (await answer.json()).answers;
    },
    async generate(name, prompt, options, onPart, signal) {
      return written(await request(place(name, "/generate"), { prompt, options }, signal), onPart);
    },
    async stream(name, { session = null, at = 0 }, on) {
      const address = (id, steps) => {
        const url = new URL(place(name, "/stream"), base);
        url.protocol = url.protocol.replace("http", "ws");
        if (id !== null) url.search = new URLSearchParams({ session: id, at: steps });
        if (key() !== null) url.searchParams.set("key", key());
        return url;
      };
      const opened = new Session(address, (signal) => request(place(name), null, signal), on, tell);
      return opened.open(session, at);
    },
  };
}

/** Returns the one line that a refusal says. */
async function line(answer) {
  try {
    return String((await answer.json()).error);
  } catch {
    return `the server answered ${answer.status} ${answer.statusText}`.trim();
  }
}

/** Returns the whole answer of server-sent events, and tells the parts before it. */
async function written(answer, onPart) {
  let rest = "";
  for await (const text of chunks(answer.body.pipeThrough(new TextDecoderStream()))) {
    const blocks = (rest + text.replaceAll("\r", "")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const { event, data } = fields(block);
      if (event === "part") onPart(data.text);
      if (event === "done") return data;
      if (event === "error") throw new Refused(data.error);
    }
  }
  throw new Refused("the piece broke off: the server is gone; ask again");
}

async function* chunks(body) {
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function fields(block) {
  const lines = block.split("\n").map((text) => text.match(/^(\w+): ?(.*)$/)).filter(Boolean);
  const all = (name) => lines.filter((found) => found[1] === name).map((found) => found[2]);
  return { event: all("event")[0], data: JSON.parse(all("data").join("\n") || "null") };
}
