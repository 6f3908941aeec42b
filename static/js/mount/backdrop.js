// Behind a large network: every edge between the units shown, drawn once on a canvas; or, beyond
// ten thousand, one heat map for each weight matrix, one pixel a weight, all of them.

import { edgeCount, HEAT, shownUnits } from "../core/strongest.js";
import { h } from "./dom.js";

const FAINT = 0.05;

export function createBackdrop() {
  const canvas = h("canvas", { "aria-hidden": "true" });
  return {
    draw(root, plan, layout, frame, hasGradient) {
      const svg = root.firstChild;
      root.replaceChildren(h("div", { class: "large-picture" }, canvas, svg));
      canvas.width = plan.width;
      canvas.height = plan.height;
      const paint = canvas.getContext("2d");
      const colours = readColours(root);
      const largest = largestOf(layout, frame, hasGradient);
      const drawMatrix = edgeCount(layout.sizes) > HEAT ? heatMap : lines;
      for (const slot of layout.parameters) {
        if (slot.kind !== "weights") continue;
        const known = hasGradient(slot.layer);
        const numbers = known ? frame.gradient : frame.parameters;
        const most = (known ? largest.gradient : largest.weight) || 1;
        const ink = (value) => [known ? (value > 0 ? colours.plus : colours.minus) : colours.neutral, Math.abs(value) / most];
        drawMatrix(paint, plan, slot, numbers, ink);
      }
    },
  };
}

function readColours(root) {
  const style = getComputedStyle(root);
  const rgb = (name) => [1, 3, 5].map((at) => parseInt(style.getPropertyValue(name).trim().slice(at, at + 2), 16));
  return { plus: rgb("--plus"), minus: rgb("--minus"), neutral: rgb("--neutral") };
}

function largestOf(layout, frame, hasGradient) {
  const found = { weight: 0, gradient: 0 };
  for (const slot of layout.parameters) {
    if (slot.kind !== "weights") continue;
    for (let k = slot.offset; k < slot.offset + slot.shape[0] * slot.shape[1]; k++) {
      found.weight = Math.max(found.weight, Math.abs(frame.parameters[k]));
      if (hasGradient(slot.layer)) found.gradient = Math.max(found.gradient, Math.abs(frame.gradient[k]));
    }
  }
  return found;
}

function lines(paint, plan, slot, numbers, ink) {
  const at = new Map(plan.units.map((unit) => [unit.name, unit]));
  const [from, to] = slot.shape;
  for (let i = 0; i < shownUnits(from, true); i++)
    for (let j = 0; j < shownUnits(to, true); j++) {
      const [colour, share] = ink(numbers[slot.offset + i * to + j]);
      const a = at.get(`${slot.layer - 1}.${i + 1}`);
      const b = at.get(`${slot.layer}.${j + 1}`);
      paint.strokeStyle = `rgb(${colour.join(" ")} / ${FAINT + 0.5 * share})`;
      paint.lineWidth = 0.4 + 1.6 * share;
      paint.beginPath();
      paint.moveTo(a.x, a.y);
      paint.lineTo(b.x, b.y);
      paint.stroke();
    }
}

function heatMap(paint, plan, slot, numbers, ink) {
  const [from, to] = slot.shape;
  const image = new ImageData(to, from);
  for (let k = 0; k < from * to; k++) {
    const [colour, share] = ink(numbers[slot.offset + k]);
    image.data.set([...colour, Math.round(255 * share)], 4 * k);
  }
  const tile = new OffscreenCanvas(to, from);
  tile.getContext("2d").putImageData(image, 0, 0);
  const left = plan.units.find((unit) => unit.layer === slot.layer - 1).x + 3 * plan.radius;
  const right = plan.units.find((unit) => unit.layer === slot.layer).x - 3 * plan.radius;
  paint.imageSmoothingEnabled = false;
  paint.drawImage(tile, left, 20, right - left, plan.height - 50);
}
