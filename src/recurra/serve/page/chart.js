/** A chart of lines, bands and marks over one axis, drawn anew at every width. */

import { drawn, element } from "./element.js";

const [LEFT, RIGHT, TOP, BOTTOM] = [44, 12, 10, 24];

/**
 * Returns a chart: `element` and `draw(content)`.
 *
 * content: `lines` [{kind, points: [[x, y]]}], `bands` [{kind, points: [[x, low, high]]}], `spans`
 * [{from, to, kind}], `level` (a line across), `x` and `y` (domains [low, high]; none: what is there),
 * `tick` (x → text), `text` (what is to be seen, for those who do not see it), `split` (an x).
 * @param {string} label what it is of.
 */
export function chart(label, { height = 200 } = {}) {
  const place = element("div", { class: "chart" });
  let content = null;
  const redraw = () => content && place.clientWidth && place.replaceChildren(picture(label, content, place.clientWidth, height));
  new ResizeObserver(redraw).observe(place);
  return {
    element: place,
    draw(given) {
      content = given;
      redraw();
    },
    clear() {
      content = null;
      place.replaceChildren();
    },
  };
}

function picture(label, { lines = [], bands = [], spans = [], level, split, x, y, tick = round, text = "" }, width, height) {
  const points = lines.flatMap((line) => line.points);
  const across = x ?? extent([...points, ...bands.flatMap((band) => band.points)].map((point) => point[0]));
  const heights = [...points.map((point) => point[1]), ...bands.flatMap((band) => band.points.flatMap((point) => point.slice(1)))];
  const up = y ?? padded(extent(level === undefined ? heights : [...heights, level]));
  const scale = ([low, high], from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  const [px, py] = [scale(across, LEFT, width - RIGHT), scale(up, height - BOTTOM, TOP)];
  const path = (some) => some.filter((point) => point[1] !== null).map(([a, b], i) => `${i ? "L" : "M"}${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join("");
  const grid = ticks(up, 4).map((value) => [
    drawn("path", { class: "grid", d: `M${LEFT} ${py(value)}H${width - RIGHT}` }),
    drawn("text", { x: LEFT - 6, y: py(value) + 4, class: "up" }, round(value)),
  ]);
  const below = ticks(across, Math.max(2, Math.floor(width / 110)))
    .map((value) => drawn("text", { x: px(value), y: height - 6, class: "along" }, String(tick(value))));
  return drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${label}. ${text}`.trim() },
    spans.map(({ from, to, kind }) => drawn("rect", { class: `span ${kind}`, x: px(from) - 1, width: Math.max(px(to) - px(from), 2), y: TOP, height: height - TOP - BOTTOM })),
    grid, below,
    bands.map(({ kind, points: some }) => drawn("path", { class: `band ${kind}`, d: `${path(some)}${path(some.map(([a, , high]) => [a, high]).reverse()).replace("M", "L")}Z` })),
    level === undefined ? null : drawn("path", { class: "level", d: `M${LEFT} ${py(level)}H${width - RIGHT}` }),
    split === undefined ? null : drawn("path", { class: "split", d: `M${px(split)} ${TOP}V${height - BOTTOM}` }),
    lines.map(({ kind, points: some }) => drawn("path", { class: `line ${kind}`, d: path(some) })));
}

/** Returns the lowest and the highest of some numbers. */
export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low > high ? [0, 1] : [low, high];
}

function padded([low, high]) {
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return [low - room, high + room];
}

function ticks([low, high], count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= raw);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.max(0, Math.floor(high / step) - first + 1) }, (_, i) => (first + i) * step);
}

function round(value) {
  return Math.abs(value) >= 10_000 ? `${Number((value / 1000).toPrecision(4))}k` : String(Number(value.toPrecision(4)));
}
