/** Tokens of music as notes, one after another: bars, time signatures, positions, pitches, durations. */

/**
 * Returns what reads tokens by name: token → {start, length, pitch}, in beats, of the note that it
 * completes, or null.
 * @param {number} resolution positions within a beat.
 */
export function reader(resolution) {
  let [upper, lower] = [4, 4], now = 0, bar = 0, bars = -1, pitch = null;
  const before = []; // what tells the first meter: it holds from the beginning
  let metered = false;

  function take([kind, value]) {
    const sounding = pitch;
    pitch = kind.startsWith("Pitch") ? Number(value) : null;
    if (kind === "Bar") {
      bars += 1;
      if (bars > 0) now = bar + (4 * upper) / lower;
      bar = now;
    } else if (kind === "TimeSig") [upper, lower] = meter(value);
    else if (kind === "Position") {
      bars = Math.max(bars, 0);
      now = bar + (Number(value) * 4) / lower / resolution;
    } else if (kind === "Duration" && sounding !== null) {
      const [beats, parts, per] = value.split(".").map(Number);
      return { start: now, length: ((beats + parts / per) * 4) / lower, pitch: sounding };
    }
    return null;
  }

  return (name) => {
    const token = name.split("_");
    if (metered) return take(token);
    before.push(token);
    if (!/^(TimeSig|Pitch|Duration)/.test(token[0])) return null;
    metered = true;
    if (token[0] === "TimeSig") [upper, lower] = meter(token[1]);
    return before.map(take).at(-1);
  };
}

const meter = (value) => value.split("/").map(Number);
