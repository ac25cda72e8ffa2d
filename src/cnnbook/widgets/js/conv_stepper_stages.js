// The grids of the conv-stepper. A stage holds the grids of one view side by side.

import { h, panel } from "./elements.js";
import { numberGrid } from "./grid.js";
import { full, short } from "./numbers.js";
import { fit, imageFrame, resultCells, sign, sized, stageCell, tag, unread } from "./window.js";
import { im2col, isStacked, padInput, rotate, sumOf } from "./conv_stepper_maths.js";

// The weight that a small cell of the input shows; a decimal loses its leading zero to fit.
const ghost = (weight) => `\u00d7${short(weight, 3).replace(/^(\W?)0\./, "$1.")}`;

function inputCells({ padded, shape, groups }, tint, smalls) {
  const lost = unread(shape);
  return padded.map((line, r) => line.map(({ value, ring, source }, c) => {
    const tap = smalls(r, c);
    const skip = lost(r, c);
    return {
      value, tint: ring ? 0 : tint.of(value), edit: ring ? null : source,
      small: tap === undefined ? "" : ghost(tap),
      look: `${ring ? "ring" : ""} ${skip ? "skip" : ""} ${tap !== undefined && shape.dilation > 1 ? "tap" : ""}`,
      label: [`row ${r - shape.rows.before}, column ${c - shape.columns.before}${ring ? ", padding" : ""}: ${full(value)}`,
        tap === undefined ? "" : `, in the window, times ${full(tap)}`, skip ? ", never read" : ""].join(""),
    };
  }));
}

function inputFrames({ shape, at: [i, j] }) {
  const { stride, dilation, rows, columns } = shape;
  const look = dilation > 1 ? "wide" : "";
  return [imageFrame(shape), { row: i * stride, column: j * stride, height: rows.span, width: columns.span, look }];
}

const weightCells = (kernel, tint, editable = true) => kernel.map((row, u) => row.map((value, v) => (
  { value, tint: tint.of(value), edit: editable && [u, v], label: `weight row ${u}, column ${v}: ${full(value)}` })));

export function forwardStage({ editImage, editKernel, reject, pick, move }) {
  const inputGrid = numberGrid({ label: "Input", onedit: editImage, onreject: reject });
  const kernelGrid = numberGrid({ label: "Kernel", onedit: editKernel, onreject: reject });
  const outGrid = numberGrid({ label: "Output", onpick: pick, onmove: move });
  const input = panel("Input", inputGrid);
  const kernel = panel("Kernel", kernelGrid);
  const output = panel("Output", outGrid);
  kernel.element.classList.add("weights");
  kernel.foot.append(h("span", { class: "weight" }, "\u00d7 weights"));
  return {
    element: h("div", { class: "stage" }, input.element, sign("\u2217"), kernel.element, sign("="), output.element),
    cell: (inner, { padded, kernel: weights, width }) => stageCell(inner, [padded[0].length, weights[0].length, width]),
    update({ state, now, shown, tint }) {
      const taps_ = new Map(now.groups.flat().map(({ row, column, weight }) => [`${row},${column}`, weight]));
      inputGrid.update(inputCells(now, tint, (r, c) => taps_.get(`${r},${c}`)), { marks: inputFrames(now) });
      kernelGrid.update(weightCells(now.kernel, tint));
      outGrid.update(resultCells(shown, tint, "out"), { at: now.at, marks: [{ row: now.at[0], column: now.at[1], look: "" }] });
      const ring = now.padded.length > now.image.length || now.padded[0].length > now.image[0].length;
      input.size.textContent = `${sized(now.image)}${ring ? `, padded ${sized(now.padded)}` : ""}${isStacked(state) ? ", channel 0" : ""}`;
      kernel.size.textContent = sized(now.kernel);
      output.size.textContent = sized(now.result);
      input.foot.replaceChildren(tag("window"));
      output.foot.replaceChildren(tag(`out[${now.index.join(", ")}]`));
    },
  };
}

export function channelsStage({ editImage, editKernel, reject, pick, move }) {
  const rows = h("div", { class: "rows" });
  const maps = h("div", { class: "maps" });
  let planes = [];
  let outs = [];
  return {
    element: h("div", { class: "stage layered" }, rows, sign("="), maps),
    cell(inner, { padded, kernel, width }) {
      if (inner >= 560) return stageCell(inner, [padded[0].length, kernel[0].length, width]);
      return fit(inner - 20, padded[0].length + kernel[0].length, 34);
    },
    update({ state, now, shown, tint }) {
      if (planes.length !== now.planes.length) {
        planes = now.planes.map((_, c) => {
          const input = numberGrid({ label: `Input, channel ${c}`, onedit: editImage(c), onreject: reject });
          const kernel = numberGrid({ label: `Kernel, channel ${c}`, onedit: editKernel(c), onreject: reject });
          return { input, kernel, left: panel(`Channel ${c}`, input), right: panel(`Kernel`, kernel) };
        });
        rows.replaceChildren(...planes.map(({ left, right }) => {
          right.element.classList.add("weights");
          return h("div", { class: "pair" }, left.element, sign("\u2217"), right.element);
        }));
      }
      if (outs.length !== now.maps.length) {
        outs = now.maps.map((_, f) => {
          const out = numberGrid({ label: `Output, filter ${f}`, onpick: (row, column) => pick(f, row, column), onmove: move });
          return { out, panel: panel(`Filter ${f}`, out) };
        });
        maps.replaceChildren(...outs.map(({ panel: { element } }) => element));
      }
      planes.forEach(({ input, kernel, left, right }, c) => {
        const plane = now.planes[c];
        const weights = new Map(now.groups[c].map(({ row, column, weight }) => [`${row},${column}`, weight]));
        const own = { ...now, padded: padInput(plane.image, now.shape) };
        input.update(inputCells(own, tint, (r, k) => weights.get(`${r},${k}`)), { marks: inputFrames(now) });
        kernel.update(weightCells(plane.kernel, tint));
        right.size.textContent = `[:, :, ${c}, ${state.filter}]`;
        left.foot.replaceChildren(tag("window"));
        right.foot.replaceChildren(`sum ${full(sumOf([now.groups[c]]))}`);
        right.foot.hidden = state.predict;
      });
      outs.forEach(({ out, panel: { foot, size } }, f) => {
        const mine = f === state.filter;
        const map = (row, r) => row.map((cell, c) => ({ value: cell.value === null ? null : now.maps[f][r][c] }));
        const marks = mine ? [{ row: now.at[0], column: now.at[1] }] : [];
        out.update(resultCells(mine ? shown : shown.map(map), tint, `filter ${f} `), { at: now.at, marks });
        size.textContent = `bias ${full(state.bias[f])}`;
        foot.replaceChildren(mine ? tag(`out[${now.index.join(", ")}]`) : "");
      });
    },
  };
}

export function backwardStage({ editImage, editKernel, editDout, reject, pick, move }) {
  const doutGrid = numberGrid({ label: "dout, the gradient of the outputs", onedit: editDout, onreject: reject });
  const kernelGrid = numberGrid({ label: "Kernel", onedit: editKernel, onreject: reject });
  const flippedGrid = numberGrid({ label: "Kernel turned by half a turn", still: true });
  const inputGrid = numberGrid({ label: "Input", onedit: editImage, onreject: reject });
  const resultGrid = numberGrid({ label: "Gradient", onpick: pick, onmove: move });
  const dout = panel("dout", doutGrid);
  const kernel = panel("Kernel", kernelGrid);
  const flipped = panel("Flipped", flippedGrid);
  const input = panel("Input", inputGrid);
  const result = panel("dx", resultGrid);
  [kernel, flipped].forEach(({ element }) => element.classList.add("weights"));
  return {
    element: h("div", { class: "stage" }, input.element, dout.element, kernel.element, flipped.element, sign("="), result.element),
    cell: (inner, { padded, dout: above, kernel: weights, width, name }) => stageCell(inner,
      name === "dx" ? [above[0].length, weights[0].length, weights[0].length, width] : [padded[0].length, above[0].length, width]),
    update({ state, now, shown, tint }) {
      const pixelMode = state.target === "pixel";
      const through = new Map(now.mine.map(({ i, j, weight }) => [`${i},${j}`, weight]));
      const read = new Map(now.mine.map(({ row, column, i, j }) => [`${row},${column}`, now.dout[i][j]]));
      doutGrid.update(now.dout.map((row, i) => row.map((value, j) => {
        const weight = pixelMode ? through.get(`${i},${j}`) : undefined;
        const tapped = weight === undefined ? {} : { look: "tap", small: ghost(weight) };
        return { value, tint: tint.of(value), edit: [i, j], ...tapped,
          label: `dout[${i}, ${j}]: ${full(value)}${weight === undefined ? "" : `, through weight ${full(weight)}`}` };
      })));
      kernelGrid.update(weightCells(now.kernel, tint));
      flippedGrid.update(weightCells(rotate(now.kernel), tint, false));
      const cells = inputCells(now, tint, (r, c) => (pixelMode ? undefined : read.get(`${r},${c}`)));
      const tapped = (cell) => ({ ...cell, look: `${cell.look} ${cell.small ? "tap" : ""}` });
      inputGrid.update(cells.map((row) => row.map(tapped)), { marks: [imageFrame(now.shape)] });
      resultGrid.update(resultCells(shown, tint, now.name), { at: now.at, marks: [{ row: now.at[0], column: now.at[1], look: "" }] });
      input.element.hidden = pixelMode;
      kernel.element.hidden = !pixelMode;
      flipped.element.hidden = !pixelMode;
      result.name.textContent = now.name;
      dout.size.textContent = sized(now.dout);
      input.size.textContent = sized(now.image);
      result.size.textContent = sized(now.result);
      kernel.size.textContent = sized(now.kernel);
      result.foot.replaceChildren(tag(`${now.name}[${now.at.join(", ")}]`));
    },
  };
}

// im2col: the patch matrix, which fills row by row, times the kernel as a column is the output as a column.
export function productBlock() {
  const patches = numberGrid({ label: "Patch matrix, one window a row", still: true });
  const column = numberGrid({ label: "Kernel as a column", still: true });
  const out = numberGrid({ label: "Output as a column", still: true });
  const left = panel("Patches", patches);
  const middle = panel("k", column);
  const right = panel("out", out);
  middle.element.classList.add("weights");
  const scroller = h("div", { class: "stage product", role: "group", "aria-label": "Patches times kernel", tabindex: 0 },
    left.element, sign("\u00b7"), middle.element, sign("="), right.element);
  return {
    element: scroller,
    update({ state, now, shown, tint }) {
      const rows = im2col(now.image, now.kernel, state);
      const flat = shown.flat();
      const look = (index) => (index === state.step ? "" : "past");
      patches.update(rows.map((row, index) => row.map((value, k) => {
        const reached = index <= state.step || flat[index].value !== null;
        return { value: reached ? value : null, tint: reached ? tint.of(value) : 0, look: look(index), label: reached ? full(value) : "empty", k };
      })), { marks: [{ row: state.step, column: 0, width: rows[0].length, look: "" }] });
      column.update(now.kernel.flat().map((value) => [{ value, tint: tint.of(value), label: full(value) }]));
      out.update(resultCells(flat.map((cell) => [cell]), tint, "out"), { marks: [{ row: state.step, column: 0, look: "" }] });
      left.size.textContent = `${rows.length}\u00d7${rows[0].length}`;
      scroller.scrollTop = ((state.step + 1) / rows.length) * scroller.scrollHeight - scroller.clientHeight / 2;
    },
  };
}
