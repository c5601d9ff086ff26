/** How a series goes on: median and intervals. */

import { asking } from "../ask.js";
import { chart } from "../chart.js";
import { column } from "../csv.js";
import { element, panel } from "../element.js";
import { table } from "../table.js";

const BEFORE = 4; // times as much of the past is drawn as of what comes

/** Returns the view. */
export default function forecast(context) {
  const { model, report } = context;
  const ask = asking(context);
  const shown = element("div");
  async function take({ input, file, table: read }) {
    const answer = await ask(input, { file });
    if (!answer) return;
    shown.replaceChildren(...answer.forecasts.map((one) => figure(one, answer.forecasts.length === 1 || !one.series ? read : null)));
    report.said(answer.forecasts.map((one) => `${one.channel}: ${one.median[0].toPrecision(4)} to ${one.median.at(-1).toPrecision(4)}`).join("; "));
  }
  return {
    element: element("div", { class: "bench wide" },
      panel("Series", table(".csv,.tsv,.json,.parquet", () => example(model), take, report.failed),
        element("p", { class: "note" }, `A column of times and ${model.channels.join(", ") || "one of numbers"}${model.step ? `, a row a ${model.step.replace(/^1 /, "")}` : ""}.`)),
      panel("How it goes on", shown)),
  };
}

function figure(one, read) {
  const drawing = chart(one.series ? `${one.series} ${one.channel}` : one.channel, { height: 260 });
  const known = read ? column(read, one.channel) : [];
  const before = known.slice(-BEFORE * one.median.length).map((value, i) => [i + 1 - Math.min(known.length, BEFORE * one.median.length), value]).filter((point) => Number.isFinite(point[1]));
  const levels = Object.keys(one.quantiles).map(Number).toSorted((a, b) => a - b);
  const pairs = levels.slice(0, Math.floor(levels.length / 2)).map((level, i) => [level, levels.at(-1 - i)]);
  const ahead = (values) => values.map((value, i) => [i + 1, value]);
  const band = ([low, high]) => one.quantiles[low].map((value, i) => [i + 1, value, one.quantiles[high][i]]);
  const last = one.median.length - 1;
  const span = pairs.length ? `, between ${one.quantiles[pairs[0][0]][last].toPrecision(4)} and ${one.quantiles[pairs[0][1]][last].toPrecision(4)}` : "";
  drawing.draw({
    bands: pairs.map((pair) => ({ kind: "fan", points: band(pair) })),
    lines: [{ kind: "given", points: before }, { kind: "c0 now", points: ahead(one.median) }],
    split: 0.5,
    tick: (value) => (value > 0 && Number.isInteger(value) ? one.times[value - 1] ?? "" : value === 0 ? "now" : value),
    text: `It goes from ${one.median[0].toPrecision(4)} to ${one.median[last].toPrecision(4)}${span}`,
  });
  const widest = pairs.length ? `${Math.round(100 * (pairs[0][1] - pairs[0][0]))} % interval` : "";
  return element("figure", {}, element("figcaption", {}, one.series ? `${one.series} · ${one.channel}` : one.channel), drawing.element,
    element("p", { class: "legend" }, element("span", { class: "key given" }, "given"), element("span", { class: "key c0" }, "median"), widest && element("span", { class: "key block fan" }, `up to the ${widest}`)));
}

/** Returns a season on a slope, at the times that the model knows. */
function example({ channels, step }) {
  const [, count, unit] = step?.match(/^(\d+) (\w+?)s?$/) ?? [];
  const sizes = { second: 1e3, minute: 6e4, hour: 36e5, day: 864e5, week: 6048e5 };
  const months = { month: 1, quarter: 3, year: 12 }[unit];
  const time = (i) => {
    if (months) return new Date(Date.UTC(1990, months * Number(count) * i)).toISOString().slice(0, 10);
    return new Date(Date.UTC(2024, 0) + i * Number(count) * sizes[unit]).toISOString().slice(0, 19);
  };
  const value = (i, c) => (330 + 0.11 * i + 3 * Math.sin((i / 12) * 2 * Math.PI + c) + 0.3 * Math.sin(i * i)).toFixed(2);
  const names = channels.length ? channels : ["value"];
  const rows = Array.from({ length: 240 }, (_, i) => [...(sizes[unit] || months ? [time(i)] : []), ...names.map((_, c) => value(i, c))]);
  return [[...(sizes[unit] || months ? ["time"] : []), ...names], ...rows].map((row) => row.join(",")).join("\n");
}
