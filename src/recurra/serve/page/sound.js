/** Sound: of a microphone, of a file, made here; all of one channel at the model's rate. */

const SECONDS = 0.05; // of a portion of the microphone

/**
 * Listens to the microphone.
 * @param {number} rate samples a second that are wanted.
 * @param {function} heard (Float32Array) is given each portion.
 * @returns {Promise<function>} what stops it.
 * @throws {Error} there is none, or it may not be used.
 */
export async function listen(rate, heard) {
  if (!navigator.mediaDevices) throw new Error("the microphone is open to pages of https: or localhost alone; drop a sound file instead");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false } });
  } catch (error) {
    throw new Error(`the microphone cannot be used (${error.message}); allow it, or drop a sound file instead`);
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule(new URL("./recorder.js", import.meta.url));
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0, processorOptions: { rate, portion: Math.round(SECONDS * rate) } });
  recorder.port.onmessage = ({ data }) => heard(data);
  context.createMediaStreamSource(stream).connect(recorder);
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    recorder.port.onmessage = null;
    context.close();
  };
}

/**
 * Promises the samples of a sound file.
 * @throws {Error} the browser cannot read it.
 */
export async function decoded(bytes, rate) {
  try {
    // its own rate makes the context resample
    const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.slice().buffer);
    const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
    return channels[0].map((_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length);
  } catch {
    throw new Error("the file cannot be read as sound; give WAV, FLAC, OGG or MP3");
  }
}

/** Returns samples as a WAV file of 16 bits. */
export function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  const size = 2 * samples.length;
  text(0, "RIFF");
  view.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  [1, 1].forEach((value, i) => view.setUint16(20 + 2 * i, value, true));
  [rate, 2 * rate].forEach((value, i) => view.setUint32(24 + 4 * i, value, true));
  [2, 16].forEach((value, i) => view.setUint16(32 + 2 * i, value, true));
  text(36, "data");
  view.setUint32(40, size, true);
  samples.forEach((value, i) => view.setInt16(44 + 2 * i, 32767 * Math.min(Math.max(value, -1), 1), true));
  return new Uint8Array(view.buffer);
}

/** Returns a hummed sound that glides from one vowel to another, a second long, silence around it. */
export function hum(rate) {
  const [length, edge] = [Math.round(1.2 * rate), 0.1 * rate];
  const glide = (from, to, i) => from + ((to - from) * i) / length;
  const formants = [[450, 700, 90], [900, 1500, 120], [2500, 2500, 180]].map((given) => ({ given, a: 0, b: 0 }));
  let phase = 0;
  return Float32Array.from({ length }, (_, i) => {
    phase += glide(130, 105, i) / rate;
    const voice = 2 * (phase % 1) - 1;
    const loud = Math.max(0, Math.min(1, (i - edge) / edge, (length - edge - i) / edge));
    return 0.4 * loud * formants.reduce((sum, formant) => sum + resonate(formant, voice, glide(formant.given[0], formant.given[1], i), rate), 0);
  });
}

/** Returns the next output of a resonator at a frequency. */
function resonate(formant, input, frequency, rate) {
  const r = Math.exp((-Math.PI * formant.given[2]) / rate);
  const out = (1 - r) * input + 2 * r * Math.cos((2 * Math.PI * frequency) / rate) * formant.a - r * r * formant.b;
  [formant.b, formant.a] = [formant.a, out];
  return out;
}
