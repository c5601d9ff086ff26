/** What is usual of each channel of a series so far, as `recurra.streaming` has it. */

const LEAST = 1e-6, WARM = 20, QUICK = 3, FAR = 8, HALF = 4;
const each = (count, value) => Array.from({ length: count }, () => value);

/** Mean and variance so far, which forget. The state is plain, so that it can be copied. */
export const running = (count, half) => ({
  least: 1 - 0.5 ** (1 / half),
  mean: each(count, 0),
  variance: each(count, 0),
  count: each(count, 0),
});

/** Take one step; NaN changes nothing. */
function take(state, x) {
  x.forEach((value, k) => {
    if (Number.isNaN(value)) return;
    state.count[k] += 1;
    const share = Math.max(state.least, 1 / state.count[k]), apart = value - state.mean[k];
    state.mean[k] += share * apart;
    state.variance[k] = (1 - share) * (state.variance[k] + share * apart ** 2);
  });
}

/** Return the deviation of a channel; 1 where nothing has varied yet. */
function scale({ mean, variance }, k) {
  const spread = Math.sqrt(variance[k]);
  return spread <= LEAST * Math.max(Math.abs(mean[k]), LEAST) ? 1 : spread;
}

const clipped = (value, most) => Math.min(most, Math.max(-most, value));
const known = (value) => (Number.isNaN(value) ? 0 : value);

export const gauge = (count, half) => ({ running: running(count, half), last: each(count, NaN) });

/** Return what a step is beside those before it: what a network reads, and how far it moved. */
export function measured({ running: state, last }, x) {
  const before = x.map((_, k) => (state.count[k] >= 2 ? scale(state, k) : NaN));
  const apart = x.map((value, k) => value - last[k]);
  const moved = apart.map((value, k) => clipped(value / before[k], FAR * FAR));
  take(state, x);
  const place = x.map((value, k) => known(clipped((value - state.mean[k]) / scale(state, k), FAR)));
  const move = apart.map((value, k) => known(clipped(value / scale(state, k), FAR)));
  x.forEach((value, k) => (last[k] = Number.isNaN(value) ? last[k] : value));
  return { features: [...place, ...move, ...x.map((one) => Number(!Number.isNaN(one)))], moved };
}

const unusual = (count, latest, usual) => {
  const short = running(count, latest);
  return { latest: short, usual: running(count, usual), narrow: Math.sqrt(short.least / (2 - short.least)) };
};

/** Return how far the latest of each channel lies above what is usual, in deviations. */
function above({ latest, usual, narrow }, e) {
  take(latest, e);
  const found = e.map((_, k) => {
    const spread = narrow * Math.max(Math.sqrt(usual.variance[k]), LEAST);
    return usual.count[k] >= WARM ? (latest.mean[k] - usual.mean[k]) / spread : 0;
  });
  take(usual, e);
  return found;
}

export const surprise = (count, { smooth, memory, level, rest }) => ({
  errors: unusual(count, smooth, memory),
  values: level ? { level: running(count, level), unusual: unusual(count, QUICK, level) } : null,
  calm: rest,
  lasting: -1,
});

/** Return score, channel, alarm and since of a step, from what was foretold and where it lies. */
export function moment(state, error, x, { rest, threshold }) {
  const warm = state.errors.usual.count.some((count) => count >= WARM);
  let z = above(state.errors, error).map((one) => Math.max(one, 0));
  if (state.values) {
    const { level, unusual: far } = state.values;
    const apart = x.map((value, k) => Math.abs(value - level.mean[k]) / scale(level, k));
    const seen = apart.map((one, k) => (level.count[k] >= WARM ? one : NaN));
    take(level, x);
    const afar = above(far, seen);
    z = z.map((one, k) => Math.hypot(one, Math.max(afar[k], 0)));
  }
  const best = z.indexOf(Math.max(...z)), score = 1 - 0.5 ** (z[best] / HALF), alarm = score >= threshold;
  if (alarm) {
    state.lasting = state.calm >= rest ? 0 : state.lasting + 1;
    state.calm = 0;
  } else {
    state.calm += 1;
    state.lasting = state.calm >= rest || state.lasting < 0 ? -1 : state.lasting + 1;
  }
  return { score, channel: warm ? best : -1, alarm, since: state.lasting };
}
