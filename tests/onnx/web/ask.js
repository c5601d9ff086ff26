// Answers calls of a module's functions: one JSON list of calls in, one of what they return out.
import { readFileSync } from "node:fs";

const { module, calls } = JSON.parse(readFileSync(0, "utf8"));
const found = await import(module);
console.log(JSON.stringify(calls.map(([name, ...given]) => found[name](...given))));
