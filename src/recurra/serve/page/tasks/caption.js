/** A sentence about a picture. */

import { asking } from "../ask.js";
import { base64, drop } from "../drop.js";
import { button, element, panel } from "../element.js";
import { pixels, shown } from "../pixels.js";
import { digit } from "../strokes.js";

/** Returns the view. */
export default function caption(context) {
  const { model, report } = context;
  const ask = asking(context);
  const written = element("p", { class: "headline sentence", role: "status" }, "–");
  const seen = element("div", { class: "frame" });
  async function tell(input, more) {
    const answer = await ask(input, more);
    written.textContent = answer?.text ?? "–";
  }
  async function take(file, bytes) {
    const url = URL.createObjectURL(file);
    seen.replaceChildren(element("img", { src: url, alt: file.name, onload: () => URL.revokeObjectURL(url) }));
    await tell({ file: base64(bytes) }, { file: file.name });
  }
  async function example() {
    const drawing = pixels(scene(), model.shape);
    seen.replaceChildren(shown(drawing, "The example"));
    await tell({ pixels: drawing });
  }
  return {
    element: element("div", { class: "bench" },
      panel("Picture", seen, element("p", { class: "row" }, button("Draw an example", example)), drop("or drop a picture here", "image/*", take, report.failed)),
      panel("What it shows", written)),
  };
}

/** Returns a picture of two digits, one bright and one dim, side by side. */
function scene() {
  const paper = new OffscreenCanvas(192, 192).getContext("2d");
  paper.fillRect(0, 0, 192, 192);
  Object.assign(paper, { lineWidth: 11, lineCap: "round", lineJoin: "round" });
  const bright = Math.random() < 0.5 ? 0 : 1;
  [0, 1].forEach((side) => {
    paper.strokeStyle = side === bright ? "#fff" : "#7a7a7a";
    for (const points of digit(Math.floor(10 * Math.random()))) {
      paper.beginPath();
      points.forEach(([x, y]) => paper.lineTo(110 * x - 7 + 96 * side, 110 * y + 41));
      paper.stroke();
    }
  });
  return paper.canvas;
}
