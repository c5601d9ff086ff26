/** Series in files of a row a step: CSV or TSV, times as ISO 8601 has them. */

const TIME = /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?)?)?$/;

/** Return the rows of a file, and the names of its columns where it has some. */
function table({ file, form = "csv" } = {}) {
  if (typeof file !== "string") throw new Error("a series is a file in base64");
  if (!["csv", "tsv"].includes(form)) throw new Error(`files of ${form} are not read in the browser yet; give CSV`);
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/).filter((line) => line.trim());
  if (!lines.length) throw new Error("the file is empty");
  const comma = [",", "\t", ";"].find((one) => lines[0].includes(one)) ?? ",";
  const rows = lines.map((line) => line.split(comma).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")));
  const headed = rows[0].every((cell) => !cell || (!TIME.test(cell) && Number.isNaN(number(cell))));
  return headed ? { names: rows[0], rows: rows.slice(1) } : { names: null, rows };
}

const missing = (cell) => /^(na|nan|null|none|\?)?$/i.test(cell);
const number = (cell) => (missing(cell) ? NaN : Number(cell));

/**
 * Return the series of a file: `id`, values [time][channel], NaN where one is missing, instants in
 * milliseconds where there are times, and times as text.
 *
 * @param form how the training's file was read: `time`, `series`, `decimal`
 * @param channels names of the columns; of a single one, any
 */
export function series(given, form, channels) {
  if (form.decimal === "comma") throw new Error("decimal commas are not in the browser yet");
  const { names, rows } = table(given), width = rows[0]?.length ?? 0;
  const time = names?.findIndex((name) => form.time.includes(name)) ?? -1;
  const dated = time >= 0 ? time : rows.every((row) => TIME.test(row[0])) && width > channels.length ? 0 : -1;
  const named = names?.indexOf(form.series) ?? -1;
  if (form.series && named < 0) throw new Error(`the file has no column ${form.series}, which names its series`);
  const left = Array.from({ length: width }, (_, i) => i).filter((i) => i !== dated && i !== named);
  const places = channels.map((name, k) => {
    if (names?.includes(name)) return names.indexOf(name);
    return !names || (channels.length === 1 && left.length === 1) ? left[k] : undefined;
  });
  const lacking = channels.find((_, k) => places[k] === undefined);
  if (lacking) throw new Error(`the file has no values ${lacking}; it has ${names?.join(", ") ?? `${width} columns`}`);
  const values = rows.map((row, i) =>
    places.map((place) => {
      const cell = row[place] ?? "", found = number(cell);
      if (!missing(cell) && !Number.isFinite(found)) {
        throw new Error(`row ${i + 1} holds "${cell.slice(0, 40)}" where a number is needed`);
      }
      return found;
    }),
  );
  const groups = new Map();
  rows.forEach((row, i) => {
    const id = named < 0 ? "" : row[named];
    if (!groups.has(id)) groups.set(id, []);
    groups.get(id).push(i);
  });
  return Array.from(groups, ([id, places]) => {
    const instants = dated < 0 ? null : places.map((i) => instant(rows[i][dated]));
    const times = instants ? shown(instants) : places.map((_, i) => String(i + 1));
    return { id, values: places.map((i) => values[i]), instants, times };
  });
}

/** Return a time in milliseconds. */
function instant(cell) {
  const found = TIME.exec(cell);
  if (!found) throw new Error(`"${cell.slice(0, 40)}" is no time; write 2026-01-31 09:00`);
  const [year, month = 1, day = 1, ...clock] = found.slice(1).filter((one) => one !== undefined).map(Number);
  return Date.UTC(year, month - 1, day, ...clock);
}

/** Return times as people write them, all with as much as one of them needs. */
export function shown(instants) {
  let texts = instants.map((one) => new Date(one).toISOString().replace("T", " ").replace(".000Z", ""));
  for (const ending of [":00", " 00:00"]) {
    if (!texts.every((text) => text.endsWith(ending))) break;
    texts = texts.map((text) => text.slice(0, -ending.length));
  }
  return texts;
}
