// Modules are parsed and linked, and not run.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SourceTextModule } from "node:vm";

const LATER = /["'](\.\.?\/[^"'$]+\.js)["']/g; // also what is imported when it is needed
const known = new Map();

function module(path) {
  const text = () => readFileSync(path, "utf8");
  if (!known.has(path)) known.set(path, new SourceTextModule(text(), { identifier: path }));
  return known.get(path);
}

async function linked(paths) {
  const beside = (name, from) => module(join(dirname(from.identifier), name));
  for (const path of paths) {
    if (module(path).status === "unlinked") await module(path).link(beside);
    for (const [, name] of readFileSync(path, "utf8").matchAll(LATER))
      if (!existsSync(join(dirname(path), name))) throw new Error(`${path}: there is no ${name}`);
  }
  return known.size;
}
