/** Notes are played by two oscillators each. */

let audio = null;

/**
 * Plays notes.
 * @param {object[]} notes {start, length, pitch}, times in beats.
 * @param {object} options `tempo`: beats a minute; `at(beat)` is told what sounds, null at the end.
 * @returns {function} what stops it.
 */
export function play(notes, { tempo = 100, at = () => {} } = {}) {
  audio ??= new AudioContext();
  audio.resume();
  const beat = 60 / tempo;
  const began = audio.currentTime + 0.08;
  const out = audio.createGain();
  const limit = audio.createDynamicsCompressor();
  out.gain.value = 0.22;
  out.connect(limit).connect(audio.destination);
  for (const note of notes) sound(out, note.pitch, began + note.start * beat, note.length * beat);
  const last = Math.max(0, ...notes.map((note) => note.start + note.length));
  let frame = requestAnimationFrame(function tick() {
    const now = (audio.currentTime - began) / beat;
    if (now > last) return stop();
    at(Math.max(now, 0));
    frame = requestAnimationFrame(tick);
  });
  function stop() {
    cancelAnimationFrame(frame);
    out.gain.setTargetAtTime(0, audio.currentTime, 0.03);
    setTimeout(() => out.disconnect(), 300);
    at(null);
  }
  return stop;
}

function sound(out, pitch, start, length) {
  const frequency = 440 * 2 ** ((pitch - 69) / 12);
  const envelope = audio.createGain();
  const [fast, end] = [0.012, start + Math.max(length, 0.08)];
  envelope.gain.setValueAtTime(0, start);
  envelope.gain.linearRampToValueAtTime(0.6, start + fast);
  envelope.gain.setTargetAtTime(0.25, start + fast, 0.25);
  envelope.gain.setTargetAtTime(0, end, 0.06);
  envelope.connect(out);
  for (const [type, times, level] of [["triangle", 1, 1], ["sine", 2, 0.25]]) {
    const oscillator = audio.createOscillator();
    const gain = audio.createGain();
    Object.assign(oscillator, { type });
    oscillator.frequency.value = frequency * times;
    gain.gain.value = level;
    oscillator.connect(gain).connect(envelope);
    oscillator.start(start);
    oscillator.stop(end + 0.5);
  }
}

/** Returns a button's listener that plays and stops: `notes()` are asked for, `roll` is moved along. */
export function player(button, notes, roll, tempo) {
  let stop = null;
  const ended = () => {
    stop = null;
    button.textContent = "Play";
  };
  return function toggle() {
    if (stop) return stop();
    if (!notes().length) return undefined;
    button.textContent = "Stop";
    stop = play(notes(), { tempo, at: (beat) => (roll.at(beat), beat === null && ended()) });
    return undefined;
  };
}
