// A server that answers by a plan: refusals, bodies, or nothing at all; the last one stays.
import { connect } from "./page/server.js";
const store = new Map(), asked = [], states = [], keys = [];
globalThis.sessionStorage = { getItem: (name) => store.get(name) ?? null, setItem: (name, value) => store.set(name, value) };
let plan = [];
globalThis.fetch = async (url, { method = "GET", headers = {}, body } = {}) => {
  asked.push([method, url.pathname, headers.Authorization ?? null, body ?? null]);
  const step = plan.length > 1 ? plan.shift() : plan[0];
  if (step === "gone") throw new TypeError("no connection");
  return new Response(step.body ?? JSON.stringify(step.json), { status: step.status ?? 200, headers: step.headers });
};
const backend = await connect("http://here/sub/", { tell: (state) => states.push(state), ask: async (reason) => (asked.push(reason), keys.shift() ?? null) });
