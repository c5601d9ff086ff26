/** Tables as text: read for what is drawn beside an answer. */

/**
 * Returns a table: `names` of its columns (none: null) and `rows` of cells.
 * @param {string} text comma, semicolon, tab or blank between cells.
 */
export function parsed(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/).filter((line) => line.trim());
  const mark = ["\t", ";", ","].find((each) => lines[0]?.includes(each)) ?? ",";
  const rows = lines.map((line) => cells(line, mark));
  const headed = rows.length > 0 && !rows[0].some((cell) => Number.isFinite(number(cell)));
  return { names: headed ? rows[0] : null, rows: headed ? rows.slice(1) : rows };
}

function cells(line, mark) {
  const found = [];
  const pattern = new RegExp(`("(?:[^"]|"")*"|[^${mark}]*)(${mark}|$)`, "g");
  for (const [, cell, end] of line.matchAll(pattern)) {
    found.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell.trim());
    if (!end) break;
  }
  return found;
}

/** Returns a cell's number; NaN where it is none. */
export const number = (cell) => (cell?.trim() ? Number(cell) : NaN);

/**
 * Returns the column of a name; where there is none, the first that holds numbers.
 * @returns {number[]} NaN where a number is missing.
 */
export function column({ names, rows }, name) {
  let place = names?.indexOf(name) ?? -1;
  if (place < 0) place = (rows[0] ?? []).findIndex((cell) => Number.isFinite(number(cell)));
  return rows.map((row) => number(row[place]));
}
