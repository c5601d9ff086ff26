/** The class of a picture, as the task `image_classification` has it; pictures as pixels. */

import { labelled, softmax } from "./scores.js";
import { reals } from "./tensors.js";

export async function open(model) {
  const stored = await model.json("image.json");
  return {
    async predict(given) {
      const { logits } = await model.run("predict", { x: await picture(given, stored) });
      return { image: given?.pixels ? "array" : "the image", ...labelled(stored.labels, softmax(logits.data)) };
    },
  };
}

/** Return what a model reads of a picture: a file, or pixels of the model's own shape. */
export async function picture(given, { shape, ...scale }) {
  const numbers = given?.pixels ? given.pixels.flat(Infinity) : await decoded(given?.file, shape);
  const size = shape.reduce((a, b) => a * b, 1);
  if (numbers.length !== size || !numbers.every(Number.isFinite)) {
    throw new Error(`the picture has ${numbers.length} numbers; this model reads ${shape.join("×")}`);
  }
  return reals(scaled(numbers, scale), [1, ...shape]);
}

/** Return pixels with 0 and 1 where the model has them. */
function scaled(pixels, { low = 0, high = 255, real = true }) {
  const bytes = pixels.every((one) => Number.isInteger(one) && one >= 0 && one <= 255);
  const least = Math.min(...pixels), most = Math.max(...pixels);
  if (!bytes && !real && (least < 0 || most > high || (most > 0 && most <= 1))) {
    throw new Error(
      `the picture holds numbers from ${least} to ${most}; this model reads 0 to ${high}, or ` +
        "bytes: scale them",
    );
  }
  return pixels.map((one) => (bytes ? one / 255 : (one - low) / (high - low)));
}

/** Return the bytes of a picture file, of the model's own size, on white. */
async function decoded(file, [height, width, channels]) {
  if (typeof file !== "string") throw new Error("a picture is a file in base64, or pixels");
  const bytes = Uint8Array.from(atob(file), (one) => one.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none" }).catch(() => {
    throw new Error("the file cannot be read as a picture: its format is unknown");
  });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), drawn = canvas.getContext("2d");
  if (channels !== 4) {
    drawn.fillStyle = "white";
    drawn.fillRect(0, 0, bitmap.width, bitmap.height);
  }
  drawn.drawImage(bitmap, 0, 0);
  const { data } = drawn.getImageData(0, 0, bitmap.width, bitmap.height);
  const planes = Array.from({ length: channels }, (_, k) => (i) => data[4 * i + k]);
  // Pillow's grey: ITU-R 601-2
  if (channels === 1) planes[0] = (i) => (data[4 * i] * 19595 + data[4 * i + 1] * 38470 + data[4 * i + 2] * 7471 + 0x8000) >> 16;
  const whole = planes.map((plane) => Float64Array.from({ length: bitmap.width * bitmap.height }, (_, i) => plane(i)));
  const small = whole.map((plane) => resized(plane, [bitmap.height, bitmap.width], [height, width]));
  return Array.from({ length: height * width * channels }, (_, i) => small[i % channels][Math.floor(i / channels)]);
}

/** Return a plane of another size: bilinear, over all that a new pixel covers, as Pillow does it. */
export function resized(plane, [height, width], [rows, columns]) {
  const across = weights(width, columns), down = weights(height, rows);
  const half = new Float64Array(height * columns), found = new Float64Array(rows * columns);
  for (let y = 0; y < height; y++) {
    across.forEach(({ first, shares }, x) => {
      half[y * columns + x] = byte(shares.reduce((sum, share, k) => sum + share * plane[y * width + first + k], 0));
    });
  }
  down.forEach(({ first, shares }, y) => {
    for (let x = 0; x < columns; x++) {
      found[y * columns + x] = byte(shares.reduce((sum, share, k) => sum + share * half[(first + k) * columns + x], 0));
    }
  });
  return found;
}

const byte = (value) => Math.min(255, Math.max(0, Math.floor(value + 0.5)));

/** Return, for each new place, which old ones it is made of and their shares. */
function weights(size, wanted) {
  if (size === wanted) return Array.from({ length: size }, (_, i) => ({ first: i, shares: [1] }));
  const scale = size / wanted, wide = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - wide + 0.5));
    const last = Math.min(size, Math.floor(centre + wide + 0.5));
    const raw = Array.from({ length: last - first }, (_, k) => {
      return Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / wide));
    });
    const total = raw.reduce((a, b) => a + b, 0);
    // 22 bits, as Pillow has them of a byte
    return { first, shares: raw.map((one) => Math.round((one / total) * (1 << 22)) / (1 << 22)) };
  });
}
