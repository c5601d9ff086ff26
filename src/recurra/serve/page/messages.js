/** Frames as messages of bounded size. */

const FRAMES = 128; // of one message
const SAMPLES = 8192; // numbers of one binary message

const most = (frames) => (frames instanceof Float32Array ? SAMPLES : FRAMES);

/**
 * Returns frames as messages.
 * @param {Array|Float32Array} frames any number of them.
 * @param {boolean} end whether the last message ends the session.
 */
export function parted(frames, end) {
  const parts = [];
  for (let i = 0; i < frames.length; i += most(frames)) parts.push({ frames: frames.slice(i, i + most(frames)) });
  // a binary message has no room for an end
  if (end && (frames instanceof Float32Array || !parts.length)) parts.push({ frames: [] });
  if (end) parts.at(-1).end = true;
  return parts;
}

/** Takes the next message from those that wait: as many of one kind as fit into one. */
export function joined(waiting) {
  const message = { ...waiting.shift() };
  const fits = ({ frames }) => frames.constructor === message.frames.constructor && message.frames.length + frames.length <= most(frames);
  while (waiting.length && !message.end && fits(waiting[0])) {
    const { frames, end, resolves } = waiting.shift();
    message.frames = message.frames.constructor.from([...message.frames, ...frames]);
    Object.assign(message, { end, resolves: [...message.resolves, ...resolves] });
  }
  return message;
}
