// A stream that answers with its frames, when it is told to.
import { characters, follow, words } from "./page/follow.js";
const sent = [], shown = [], waiting = [];
const report = { asked() {}, answered() {}, failed: (error) => shown.push(error.message) };
const backend = { async stream(name, options, on) {
  const send = (frames, { end = false } = {}) => {
    sent.push([frames.join("|"), end]);
    waiting.push(() => on.answer({ answers: frames, ...(end && { ended: true }) }));
  };
  return { opened: {}, send, close() {} };
} };
const arrive = () => waiting.splice(0).forEach((call) => call());
const on = { fresh: () => shown.push("fresh"), answers: (list) => shown.push(...list), whole() {} };
const tick = (seconds = 0.02) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
const typed = follow({ model: { name: "m", stream: {} }, backend, report }, on, words);
const type = async (text) => { typed.text(text); await tick(); };
