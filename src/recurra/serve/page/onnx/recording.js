/** Sounds as samples of one channel, and as frames of them. */

import { reals } from "./tensors.js";

/** Return the samples of a sound, of full scale 1 and the model's rate: a file, or samples. */
export async function samples(given, rate) {
  if (given?.samples) {
    if (!given.samples.length) throw new Error("the sound holds 0 samples");
    const found = Float32Array.from(given.samples);
    if (!found.every(Number.isFinite)) throw new Error("samples are no finite numbers");
    return found;
  }
  if (typeof given?.file !== "string") throw new Error("a sound is a file in base64, or samples");
  const bytes = Uint8Array.from(atob(given.file), (one) => one.charCodeAt(0));
  const context = new OfflineAudioContext(1, 1, rate); // resamples what it decodes
  const sound = await context.decodeAudioData(bytes.buffer).catch(() => {
    throw new Error("the file cannot be read as a sound: its format is unknown");
  });
  const found = new Float32Array(sound.length), count = sound.numberOfChannels;
  for (let k = 0; k < count; k++) sound.getChannelData(k).forEach((one, i) => (found[i] += one / count));
  return found;
}

/** Return frames of so many samples [1, time, size], the last one filled up with silence. */
export function framed(given, size) {
  const time = Math.ceil(given.length / size), data = new Float32Array(time * size);
  data.set(given);
  return { type: "float32", data, dims: [1, time, size] };
}

/** Return each frame as a step of its own. */
export function apart({ data, dims: [, time, size] }) {
  return Array.from({ length: time }, (_, t) => reals(data.subarray(t * size, (t + 1) * size), [1, size]));
}

/** What a stream of samples reads: whole frames, what is left waiting for more. */
export const listening = (size) => ({
  begin: () => ({ waiting: new Float32Array(0) }),
  read(memory, frame) {
    const next = frame instanceof Float32Array ? frame : Float32Array.of(...[frame].flat());
    const whole = new Float32Array(memory.waiting.length + next.length);
    whole.set(memory.waiting);
    whole.set(next, memory.waiting.length);
    if (!whole.every(Number.isFinite)) throw new Error("samples are no finite numbers");
    const ready = whole.length - (whole.length % size);
    memory.waiting = whole.slice(ready);
    return apart(framed(whole.subarray(0, ready), size));
  },
  rest(memory) {
    const { waiting } = memory;
    memory.waiting = new Float32Array(0);
    return apart(framed(waiting, size));
  },
});
