/** Pictures as a model reads them, and as they are shown. */

import { element } from "./element.js";

/**
 * Returns a picture as rows of pixels of so many channels, each the mean of what it covers.
 * @param {CanvasImageSource} picture what is read.
 * @param {number[]} shape height, width, channels.
 */
export function pixels(picture, [height, width, channels]) {
  const fine = 8; // as many points each way make a pixel
  const sized = new OffscreenCanvas(fine * width, fine * height).getContext("2d");
  sized.drawImage(picture, 0, 0, fine * width, fine * height);
  const { data } = sized.getImageData(0, 0, fine * width, fine * height);
  const mean = (row, column, channel) => {
    let sum = 0;
    for (let i = 0; i < fine; i++) for (let j = 0; j < fine; j++) sum += data[4 * ((fine * row + i) * fine * width + fine * column + j) + channel];
    return Math.round(sum / fine ** 2);
  };
  const pixel = (row, column) => {
    const all = [0, 1, 2].map((channel) => mean(row, column, channel));
    return channels === 1 ? [Math.round(0.299 * all[0] + 0.587 * all[1] + 0.114 * all[2])] : all;
  };
  return Array.from({ length: height }, (_, row) => Array.from({ length: width }, (_, column) => pixel(row, column)));
}

/** Returns pixels as a picture of crisp squares. */
export function shown(rows, label) {
  const canvas = element("canvas", { class: "seen", width: rows[0].length, height: rows.length, role: "img", "aria-label": label });
  const image = new ImageData(rows[0].length, rows.length);
  rows.flat().forEach((pixel, i) => image.data.set([pixel[0], pixel[1] ?? pixel[0], pixel[2] ?? pixel[0], 255], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
