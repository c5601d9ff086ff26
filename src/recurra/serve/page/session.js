/** A session over a WebSocket, which outlives its connections. */

import { pause } from "./element.js";
import { joined, parted } from "./messages.js";

const TRIES = 9; // connections in a row that may be refused: longer than a dead server's lease
const LONGEST = 4; // seconds between them
const IN_USE = /in use/; // by our own connection of before, which is not yet known to be gone

/**
 * One message is under way at a time; what is sent meanwhile waits, and is joined. So after a
 * connection is lost it is known what the server has: it tells how many messages it answered.
 */
export class Session {
  #socket = null;
  #session = null;
  #at = 0; // messages whose answers have come
  #waiting = [];
  #underway = null;
  #tries = 0;
  #ended = new AbortController();

  /**
   * @param {function} address (session, at) → URL.
   * @param {function} reach signal → a promise that is kept as soon as the model can be reached.
   * @param {object} on `answer(message)`; `closed(reason)` where it cannot go on; `lost()` where the
   *   server knows nothing of it any more, and has begun another.
   * @param {function} tell as of `connect`.
   */
  constructor(address, reach, on, tell) {
    Object.assign(this, { address, reach, on, tell });
  }

  /** Promises the session, as the backend's `stream` does. */
  open(session, at) {
    [this.#session, this.#at] = [session, at];
    return new Promise((resolve, reject) => {
      const [send, close] = [this.send.bind(this), this.close.bind(this)];
      this.opened = (opened) => resolve({ opened, send, close });
      this.refused = reject;
      this.#connect();
    });
  }

  /**
   * Promises the answer to frames.
   * @param {Array|Float32Array} frames as the model's stream reads them.
   * @param {object} options `end`: what the delay holds comes too, and the session begins anew.
   */
  send(frames, { end = false } = {}) {
    const parts = parted(frames, end);
    const answers = parts.map((part) => new Promise((resolve) => (part.resolves = [resolve])));
    this.#waiting.push(...parts);
    this.#next();
    return Promise.all(answers).then((all) => all.at(-1));
  }

  /** Ends the connection; the server keeps the session for a while. */
  close() {
    this.#ended.abort();
    this.#socket?.close();
  }

  #connect() {
    const socket = (this.#socket = new WebSocket(this.address(this.#session, this.#at)));
    let first = true;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(data);
      if (first) this.#begin(message);
      else this.#answer(message);
      first = false;
    });
    socket.addEventListener("close", ({ code, reason }) => this.#lose(code, reason));
  }

  #begin(opened) {
    const lost = this.#session === null && this.#at > 0;
    this.#session = opened.session;
    if (!this.#underway) this.#tries = 0; // else it may be the message that breaks it off
    this.tell({});
    this.opened(opened);
    if (lost) {
      [this.#at, this.#underway, this.#waiting] = [opened.at, null, []];
      this.on.lost?.();
    } else if (this.#underway && opened.at === this.#at) {
      this.#waiting.unshift(this.#underway); // it never arrived; else its answer comes again now
      this.#underway = null;
    }
    this.#next();
  }

  #answer(message) {
    [this.#at, this.#tries] = [message.at ?? this.#at + 1, 0];
    this.#underway?.resolves.forEach((resolve) => resolve(message));
    this.#underway = null;
    this.on.answer(message);
    this.#next();
  }

  #next() {
    if (this.#underway || !this.#waiting.length) return;
    if (this.#socket?.readyState !== WebSocket.OPEN || this.#session === null) return;
    const { frames, end } = (this.#underway = joined(this.#waiting));
    this.#socket.send(frames instanceof Float32Array ? frames : JSON.stringify({ frames, end }));
  }

  async #lose(code, reason) {
    const { signal } = this.#ended;
    if (signal.aborted) return;
    try {
      if (++this.#tries > TRIES || code === 1009) throw new Error(reason || `closed with ${code}`);
      if (code === 1008 && !IN_USE.test(reason)) this.#session = null;
      const seconds = Math.min(0.25 * 2 ** (this.#tries - 1), LONGEST);
      this.tell({ [code === 1013 ? "wait" : "away"]: seconds, reason });
      await pause(seconds, signal);
      await this.reach(signal);
      this.#connect();
    } catch (error) {
      if (signal.aborted) return;
      this.tell({});
      this.refused(error); // heard only where it was never open
      this.on.closed(error.message);
    }
  }
}
