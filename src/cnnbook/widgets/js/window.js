// What the figures of sliding windows share: how many windows fit, which pixels they read, and the parts that show it.
// Its CSS is WINDOW_STYLE.

import { h } from "./elements.js";
import { full, range, short, total } from "./numbers.js";

// One axis: the padding (before, after), the span of the dilated kernel and the number of windows.
// "same" follows TensorFlow: ceil(size / stride) windows; of an odd number of zeros, the larger half comes after.
export function axis(size, kernel, { stride, padding, dilation = 1 }) {
  const span = dilation * (kernel - 1) + 1;
  let before = padding;
  let after = padding;
  if (padding === "valid") before = after = 0;
  if (padding === "same") {
    const needed = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
    before = Math.floor(needed / 2);
    after = needed - before;
  }
  const room = size + before + after - span;
  return { size, kernel, before, after, span, padded: size + before + after, out: room < 0 ? 0 : Math.floor(room / stride) + 1 };
}

// Tells which pixels no window reads: rows and columns that the stride drops, and gaps that dilation leaves.
export function unread({ rows, columns, stride, dilation = 1 }) {
  const hit = (edge) => new Set(range(edge.out).flatMap((i) => range(edge.kernel).map((u) => i * stride + u * dilation)));
  const rowHits = hit(rows);
  const columnHits = hit(columns);
  return (row, column) => !rowHits.has(row) || !columnHits.has(column);
}

// The shade of a number by its size, with zero blank.
export function tintScale(...numbers) {
  const top = Math.max(1, ...numbers.flat(9).map(Math.abs));
  return { top, of: (value) => Math.sign(value) * Math.sqrt(Math.abs(value) / top) };
}

export const scaleLegend = ({ top }, how) => h("div", { class: "legend soft" },
  h("span", {}, `Shade: ${short(-top)}`, h("span", { class: "scale" }), `${short(top)}, zero is blank.`), h("span", { class: "controls" }, how));

export const digits = (rows) => rows.split("/").map((row) => [...row].map(Number));
// The first test images of MNIST and Fashion-MNIST, averaged to 7x7, 0 to 9.
export const PICTURES = {
  digit: ["digit 7", digits("0653330/0134591/0000270/0000710/0004600/0019000/0057000")],
  garment: ["ankle boot", digits("0000000/0000000/0001643/0005896/3467998/2455364/0000000")],
};

export const resultCells = (shown, tint, name) => shown.map((row, r) => row.map((cell, c) => {
  const empty = cell.value === null;
  const said = empty ? (cell.text ? "predict it" : "empty") : full(cell.value);
  return { ...cell, tint: empty ? 0 : tint.of(cell.value), label: `${name}[${r}, ${c}]: ${said}` };
}));

export const sized = (grid_) => `${grid_.length}\u00d7${grid_[0].length}`;
export const tag = (text) => h("span", { class: "tag" }, text);
export const sign = (text) => h("div", { class: "sign", "aria-hidden": "true" }, text);
export const fit = (room, cells, high) => Math.max(32, Math.min(high, Math.floor(room / cells)));

// The size of a cell that lets all panels stand side by side, or, on a phone, the first two above the third.
export function stageCell(inner, widths) {
  const gaps = 34 * (widths.length - 1) + 30;
  if (inner >= 560) return fit(inner - gaps, total(widths), 42);
  const pair = widths[0] + widths[1];
  if (pair * 32 + 20 <= inner) return fit(inner - 20, pair, 40);
  // Small cells let a 9x9 input and its sum fit on one phone screen.
  const high = widths[0] > 7 ? 32 : 36;
  return Math.min(fit(inner - 2, widths[0], high), fit(inner - 22, total(widths.slice(1)), high));
}

export const imageFrame = ({ rows, columns }) => (
  { row: rows.before, column: columns.before, height: rows.size, width: columns.size, look: "image" });

// The formula of the output size in numbers. Marks those that the last change altered. Without dilation it is shorter.
export function formulaBlock() {
  const sizes = h("div");
  const parameters = h("div");
  const element = h("div", { class: "formula" }, sizes, parameters);
  let before = null;
  let marked = [];
  const numbers = ({ rows, columns, stride, dilation }) => [rows, columns].flatMap((edge) =>
    [edge.size, edge.before, edge.after, dilation ?? 1, edge.kernel, stride, edge.out]);
  return {
    element,
    update(shape, counted = "") {
      parameters.textContent = counted;
      const values = numbers(shape);
      if (before && values.join() !== before.join()) marked = values.map((value, index) => value !== before[index]);
      if (before && values.join() === before.join()) return;
      before = values;
      const show = (index) => (marked[index] ? h("mark", {}, String(values[index])) : String(values[index]));
      const square = values.slice(0, 7).join() === values.slice(7).join();
      const span = (at) => (shape.dilation ? [show(at + 3), "\u00b7(", show(at + 4), " \u2212 1) \u2212 1"] : [show(at + 4)]);
      const line = (name, at) => h("div", {}, h("span", { class: "soft" }, `${name} `),
        "\u230a(", show(at), " + ", show(at + 1), " + ", show(at + 2), " \u2212 ", span(at),
        ") / ", show(at + 5), "\u230b + 1 = ", h("b", {}, show(at + 6)));
      const spans = shape.dilation ? "dilation\u00b7(kernel \u2212 1) \u2212 1" : "window";
      sizes.replaceChildren(
        h("div", { class: "soft" }, `Output size = \u230a(input + padding before + after \u2212 ${spans}) / stride\u230b + 1`),
        line(square ? "height and width" : "height", 0), square ? "" : line("width", 7));
    },
  };
}

export const WINDOW_STYLE = `
.tag { display: inline-block; padding: 0 .35em; border: 2px solid var(--link); border-radius: 4px;
  color: var(--link); font-weight: 600; white-space: nowrap; }
.cell.ring { background: var(--wash); color: var(--soft); cursor: default; }
.cell.skip { background-image: repeating-linear-gradient(45deg, color-mix(in srgb, var(--edge) 60%, transparent) 0 1px, transparent 1px 7px); }
.cell.skip span { padding: 0 3px; border-radius: 3px; background: var(--paper); }
@media (forced-colors: active) { .cell.skip { border: 3px dotted; } }
.frames i.image { z-index: 1; border: 1px solid var(--edge); border-radius: 0; transition: none; }
.formula { margin-top: .7rem; overflow-wrap: anywhere; }
.formula mark { padding: 0 .15em; border-bottom: 3px solid var(--link); background: var(--wash); color: inherit; font-weight: 700; }
.answer { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; }
.answer input { width: 5.5em; }
@container (max-width: 559px) { .formula { font-size: 14px; } }
`;
