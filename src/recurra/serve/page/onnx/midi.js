/** Standard MIDI files, of format 0. */

const TICKS = 480, VELOCITY = 80; // of a beat; of a note

/** Return a file, in base64, of notes [start, length, pitch], in beats. */
export function midi(notes) {
  const events = notes
    .flatMap(([start, length, pitch]) => {
      const [begin, end] = [start, start + length].map((beat) => Math.round(beat * TICKS));
      return [{ time: begin, bytes: [0x90, pitch, VELOCITY] }, { time: end, bytes: [0x80, pitch, 0] }];
    })
    .sort((a, b) => a.time - b.time || a.bytes[0] - b.bytes[0]); // a note ends before the next begins
  const track = [];
  let now = 0;
  for (const { time, bytes } of events) {
    track.push(...distance(time - now), ...bytes);
    now = time;
  }
  track.push(0, 0xff, 0x2f, 0); // the end
  const head = [...text("MThd"), ...whole(6, 4), ...whole(0, 2), ...whole(1, 2), ...whole(TICKS, 2)];
  return base64([...head, ...text("MTrk"), ...whole(track.length, 4), ...track]);
}

const text = (given) => Array.from(given, (one) => one.charCodeAt(0));
const whole = (value, size) => Array.from({ length: size }, (_, i) => (value >>> (8 * (size - 1 - i))) & 255);

/** Return a time as a file has it: seven bits a byte, all but the last with the eighth set. */
function distance(ticks) {
  const found = [ticks & 127];
  for (let left = ticks >>> 7; left; left >>>= 7) found.unshift((left & 127) | 128);
  return found;
}

function base64(bytes) {
  let found = "";
  for (const byte of bytes) found += String.fromCharCode(byte);
  return btoa(found);
}
