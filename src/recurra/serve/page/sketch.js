/** A field to draw in, by pointer or by keys, and what a model sees of it. */

import { element } from "./element.js";
import { pixels } from "./pixels.js";

const SIZE = 280; // pixels of the field, each way
const PEN = 24;
const STEP = 14; // of an arrow key

/**
 * Returns the field: `element`, `clear()`, `trace(lines)` and `pixels(shape)`.
 * @param {function} changed is called after each stroke.
 */
export function sketch(changed) {
  const canvas = element("canvas", { width: SIZE, height: SIZE, tabindex: 0, role: "application",
    "aria-label": "Field to draw in. Arrow keys move the pen, space puts it down or lifts it, Delete clears the field." });
  const pen = element("span", { class: "pen", "aria-hidden": "true" });
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  let [x, y, down] = [SIZE / 2, SIZE / 2, false];
  const place = (event) => [(event.offsetX * SIZE) / canvas.clientWidth, (event.offsetY * SIZE) / canvas.clientHeight];
  function move(to) {
    if (down) {
      Object.assign(ink, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round", lineJoin: "round" });
      ink.beginPath();
      ink.moveTo(x, y);
      ink.lineTo(to[0], to[1] + 0.01); // a line to the same place is not drawn everywhere
      ink.stroke();
    }
    [x, y] = to;
    pen.style.setProperty("--x", x / SIZE);
    pen.style.setProperty("--y", y / SIZE);
  }
  function lift(is) {
    down = is;
    pen.classList.toggle("down", is);
    move([x, y]);
  }
  function clear() {
    down = false;
    lift(false);
    ink.fillStyle = "#000";
    ink.fillRect(0, 0, SIZE, SIZE);
  }
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    [x, y] = place(event);
    lift(true);
  });
  canvas.addEventListener("pointermove", (event) => down && event.buttons && (move(place(event)), changed()));
  canvas.addEventListener("pointerup", () => (lift(false), changed()));
  canvas.addEventListener("keydown", (event) => {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const within = (value) => Math.min(Math.max(value, PEN / 2), SIZE - PEN / 2);
    if (arrows[event.key]) move([within(x + STEP * arrows[event.key][0]), within(y + STEP * arrows[event.key][1])]);
    else if (event.key === " ") lift(!down);
    else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    changed();
  });
  clear();
  return {
    element: element("div", { class: "sketch" }, canvas, pen),
    clear,
    /** Draws lines of points, each in shares of the field. */
    trace(lines) {
      clear();
      for (const points of lines) {
        [x, y] = points[0].map((share) => share * SIZE);
        down = true;
        points.forEach((point) => move(point.map((share) => share * SIZE)));
        down = false;
      }
      changed();
    },
    pixels: (shape) => pixels(framed(canvas, ink, shape), shape),
  };
}

/**
 * Returns what is drawn, moved to the middle and as large as data sets of digits have it: those of 8
 * pixels fill the picture, those of 28 leave a margin of 4.
 */
function framed(canvas, ink, [height, width]) {
  const { data } = ink.getImageData(0, 0, SIZE, SIZE);
  let [left, top, right, bottom] = [SIZE, SIZE, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] < 128) continue;
    const [px, py] = [(i / 4) % SIZE, Math.floor(i / 4 / SIZE)];
    [left, top, right, bottom] = [Math.min(left, px), Math.min(top, py), Math.max(right, px), Math.max(bottom, py)];
  }
  if (left > right) return canvas;
  const margin = Math.min(height, width) < 16 ? 0 : Math.min(height, width) / 7;
  const side = Math.max(right - left, bottom - top) / (1 - (2 * margin) / Math.min(height, width));
  const [cx, cy] = [(left + right) / 2, (top + bottom) / 2];
  const moved = new OffscreenCanvas(SIZE, SIZE);
  const paper = moved.getContext("2d");
  paper.fillRect(0, 0, SIZE, SIZE);
  paper.drawImage(canvas, cx - side / 2, cy - side / 2, side, side, 0, 0, SIZE, SIZE);
  return moved;
}
