/** Standard MIDI files: read and written, as notes. */

const DIVISION = 480; // ticks of a beat

/**
 * Returns a file of one track.
 * @param {object[]} notes {start, length, pitch}, times in beats.
 * @param {number} tempo beats a minute.
 */
export function written(notes, tempo = 100) {
  const ticks = (beats) => Math.round(beats * DIVISION);
  const events = notes.flatMap(({ start, length, pitch }) => [[ticks(start), 1, pitch], [ticks(start + length), 0, pitch]]);
  events.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const micros = Math.round(60e6 / tempo);
  const track = [0, 0xff, 0x51, 3, micros >> 16, (micros >> 8) & 255, micros & 255];
  let now = 0;
  for (const [at, on, pitch] of events) {
    track.push(...variable(at - now), on ? 0x90 : 0x80, pitch, on ? 80 : 0);
    now = at;
  }
  track.push(0, 0xff, 0x2f, 0);
  return Uint8Array.from([...chunk("MThd", [0, 0, 0, 1, DIVISION >> 8, DIVISION & 255]), ...chunk("MTrk", track)]);
}

const chunk = (name, content) => [...[...name].map((letter) => letter.charCodeAt(0)), ...[24, 16, 8, 0].map((shift) => (content.length >> shift) & 255), ...content];

function variable(value) {
  const parts = [value & 127];
  while ((value >>= 7)) parts.unshift((value & 127) | 128);
  return parts;
}

/**
 * Returns the notes of a file, drums left out.
 * @param {Uint8Array} file its content.
 * @throws {Error} it is none that can be read.
 */
export function read(file) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  try {
    if (view.getUint32(0) !== 0x4d546864 || view.getUint16(12) & 0x8000) throw new RangeError();
    const division = view.getUint16(12) || DIVISION;
    const notes = [];
    for (let at = 8 + view.getUint32(4); at + 8 <= file.length; at += 8 + view.getUint32(at + 4))
      if (view.getUint32(at) === 0x4d54726b) notes.push(...track(file.subarray(at + 8, at + 8 + view.getUint32(at + 4)), division));
    return notes.sort((a, b) => a.start - b.start);
  } catch {
    throw new Error("the file cannot be read as MIDI; give a standard MIDI file (.mid)");
  }
}

const CONTENT = { 0x80: 2, 0x90: 2, 0xa0: 2, 0xb0: 2, 0xc0: 1, 0xd0: 1, 0xe0: 2 }; // bytes of an event

function track(data, division) {
  const [notes, sounding] = [[], new Map()];
  let [at, ticks, now, status] = [0, 0, 0, 0];
  const number = () => {
    let value = 0, byte;
    do {
      if (at >= data.length) throw new RangeError();
      byte = data[at++];
      value = (value << 7) | (byte & 127);
    } while (byte & 128);
    return value;
  };
  while (at < data.length) {
    ticks += number();
    now = ticks / division;
    if (data[at] & 128) status = data[at++];
    if (status === 0xff) at += 1;
    if (status >= 0xf0) {
      const size = number(); // first: reading it moves `at`
      at += size;
      continue;
    }
    const [kind, channel, pitch, velocity] = [status & 0xf0, status & 15, data[at], data[at + 1]];
    at += CONTENT[kind];
    if (channel === 9 || (kind !== 0x90 && kind !== 0x80)) continue;
    const name = 128 * channel + pitch;
    if (sounding.has(name)) notes.push({ start: sounding.get(name), length: Math.max(now - sounding.get(name), 0.05), pitch });
    sounding.delete(name);
    if (kind === 0x90 && velocity > 0) sounding.set(name, now);
  }
  return notes;
}
