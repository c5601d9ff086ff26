/** How a series goes on, as the task `forecasting` has it. */

import { series, shown } from "./tables.js";
import { reals } from "./tensors.js";

const LEVELS = [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 };

export async function open(model) {
  const codec = await model.json("series.json"), { names, scale, lookback, horizon } = codec;
  const { output, strategy } = model.described.recipe;
  const other = codec.calendar.length || codec.known_names.length || strategy !== "direct";
  if (other || !["quantiles", "squared", "absolute"].includes(output)) {
    throw new Error("a forecast with calendar, known columns or drawn paths is not in the browser yet");
  }

  /** Return the forecast of each channel of a series. */
  async function continued(read) {
    if (Boolean(read.instants) !== Boolean(codec.step)) {
      throw new Error(`this model was trained on ${codec.step ? `a step of ${codec.step}` : "numbered steps"}`);
    }
    const { values, at } = read.instants ? placed(read, codec.step) : { values: read.values, at: null };
    const count = values.length;
    const past = Array.from({ length: lookback }, (_, i) => values[count - lookback + i] ?? names.map(() => NaN));
    const scaled = past.flatMap((row) => row.map((one, k) => (one - scale.mean[k]) / scale.deviation[k]));
    const x = reals(scaled, [1, lookback, names.length]);
    const { raw, middle, size } = await model.run("forecast", { past: x });
    const levels = raw.dims[3];
    const said = (step, k) => {
      const from = (step * names.length + k) * levels;
      const found = Array.from(raw.data.subarray(from, from + levels)).sort((a, b) => a - b);
      return found.map((one) => (one * size.data[k] + middle.data[k]) * scale.deviation[k] + scale.mean[k]);
    };
    const steps = Array.from({ length: horizon }, (_, i) => i);
    const times = at ? shown([...Array(count + horizon).keys()].map(at)).slice(count) : steps.map((i) => String(count + i + 1));
    return names.map((channel, k) => {
      const all = steps.map((step) => said(step, k));
      const quantiles = output === "quantiles" ? LEVELS.map((level, i) => [level, all.map((one) => one[i])]) : [];
      const median = all.map((one) => one[levels === 1 ? 0 : LEVELS.indexOf(0.5)]);
      return { series: read.id, channel, times, median, quantiles: Object.fromEntries(quantiles) };
    });
  }

  return {
    async predict(given) {
      const forecasts = [];
      for (const one of series(given, codec.form, names)) forecasts.push(...(await continued(one)));
      return { path: "the series", forecasts };
    },
  };
}

/** Return the values at every step, NaN where a row is missing, and place → its time. */
function placed({ values, instants }, step) {
  const [, many, unit] = /^(\d+) (\w+?)s?$/.exec(step) ?? [];
  const months = { month: 1, quarter: 3, year: 12 }[unit] * Number(many), first = new Date(instants[0]);
  const milliseconds = 1000 * Number(many) * SECONDS[unit];
  const month = (date) => 12 * (date.getUTCFullYear() - 2000) + date.getUTCMonth();
  const day = Math.max(...instants.map((one) => new Date(one).getUTCDate()));
  const clock = instants[0] % 86_400_000;
  const at = (place) => {
    if (!months) return instants[0] + place * milliseconds;
    const begins = Date.UTC(2000, month(first) + place * months);
    // a day that a month has not is its last one
    const last = new Date(Date.UTC(2000, month(first) + place * months + 1) - 86_400_000).getUTCDate();
    return begins + (Math.min(day, last) - 1) * 86_400_000 + clock;
  };
  const found = [];
  instants.forEach((one, i) => {
    const place = months ? (month(new Date(one)) - month(first)) / months : (one - instants[0]) / milliseconds;
    if (!Number.isInteger(place) || place < found.length || at(place) !== one) {
      throw new Error(`row ${i + 1} is not ${step} after the row before; this model was trained on a step of ${step}`);
    }
    while (found.length < place) found.push(values[0].map(() => NaN));
    found.push(values[i]);
  });
  return { values: found, at };
}
