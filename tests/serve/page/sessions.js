// A server of sessions that adds numbers up, and may drop a connection before or after it answers.
// Time runs ten times as fast.
import { connect } from "./page/server.js";
globalThis.sessionStorage = { getItem: () => null, setItem() {} };
const later = setTimeout;
globalThis.setTimeout = (call, wait = 0, ...more) => later(call, wait / 10, ...more);
const sessions = new Map(), log = [];
let plan = [], leased = 0;
globalThis.fetch = async () => new Response("{}");
globalThis.WebSocket = class extends EventTarget {
  static OPEN = 1;
  readyState = 0;
  constructor(url) {
    super();
    this.id = url.searchParams.get("session") ?? `new-${sessions.size}`;
    const at = Number(url.searchParams.get("at") ?? 0);
    setTimeout(() => this.begin(at));
  }
  begin(at) {
    const kept = sessions.get(this.id);
    if (kept && leased-- > 0) return this.drop(1008, `session ${this.id} is in use`);
    if (at > (kept?.replies.length ?? 0)) return this.drop(1008, "cannot go on");
    const mine = kept ?? { sum: 0, replies: [] };
    sessions.set(this.id, (this.mine = mine));
    this.readyState = 1;
    const again = mine.replies.slice(at);
    const [count, resent] = [mine.replies.length, again.length];
    this.tell({ session: this.id, at: count, unit: "row", delay: 0, resent });
    again.forEach((reply) => this.tell(reply));
    return undefined;
  }
  tell(message) {
    const event = new Event("message");
    event.data = JSON.stringify(message);
    this.dispatchEvent(event);
  }
  drop(code, reason = "") {
    this.readyState = 3;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
  send(text) {
    const step = plan.shift() ?? "answer";
    if (step === "gone") return setTimeout(() => this.drop(1006));
    if (step === "poison") return setTimeout(() => this.drop(1008, "it cannot be read"));
    const { frames, end } = JSON.parse(text);
    log.push(...frames);
    const answers = frames.map((frame) => ({ sum: (this.mine.sum += frame) }));
    if (end) this.mine.sum = 0;
    const reply = { at: this.mine.replies.length + 1, answers, ...(end && { ended: true }) };
    this.mine.replies.push(reply);
    if (step === "forget") sessions.clear();
    if (step !== "answer") return setTimeout(() => this.drop(1006));
    setTimeout(() => this.tell(reply));
    return undefined;
  }
  close() {}
};
const answers = [], closed = [], states = [];
let lost = 0;
const backend = await connect("http://here/", { tell: (state) => states.push(state) });
const open = () => backend.stream("model", {}, {
  answer: (message) => answers.push(...message.answers.map((one) => one.sum)),
  closed: (reason) => closed.push(reason),
  lost: () => (lost += 1),
});
const say = () => tell({ answers, log, closed, lost, away: states.some((state) => state.away) });
