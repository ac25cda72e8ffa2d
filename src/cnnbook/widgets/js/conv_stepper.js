// conv-stepper: one convolution, one window at a time. Pure maths first, then what the reader sees.

import { GRID_STYLE, numberGrid } from "./grid.js";
import {
  button, check, choices, clamp, defineElement, factor, figure, full, h, isBox, oneOf, panel, parseNumber, range,
  select, settings, short, table, tidy, total, whole,
} from "./shared.js";
import { transport, TRANSPORT_STYLE } from "./transport.js";
import {
  axis, digits, fit, formulaBlock, imageFrame, PICTURES, resultCells, scaleLegend, sign, sized, stageCell, tag,
  tintScale, unread, WINDOW_STYLE,
} from "./window.js";

// ---------------------------------------------------------------- maths (pure, exact for integers)

export function geometry(image, kernel, settings) {
  return { rows: axis(image.length, kernel.length, settings), columns: axis(image[0].length, kernel[0].length, settings), ...settings };
}

// The index in the image that a padded index copies, or -1 for a zero.
export function sourceIndex(index, size, mode) {
  if (index >= 0 && index < size) return index;
  if (mode === "edge") return index < 0 ? 0 : size - 1;
  if (mode !== "reflect") return -1;
  const period = Math.max(1, 2 * (size - 1));
  const wrapped = ((index % period) + period) % period;
  return Math.min(wrapped, period - wrapped) % size;
}

// The padded image as { value, source }: source is [row, column] in the image, or null for a padding zero.
export function padInput(image, { rows, columns, pad_mode }) {
  return table(rows.padded, columns.padded, (r, c) => {
    const row = sourceIndex(r - rows.before, rows.size, pad_mode);
    const column = sourceIndex(c - columns.before, columns.size, pad_mode);
    const outside = row < 0 || column < 0;
    const ring = r < rows.before || r >= rows.before + rows.size || c < columns.before || c >= columns.before + columns.size;
    return { value: outside ? 0 : image[row][column], source: outside ? null : [row, column], ring };
  });
}

// The pairs under the kernel for output (i, j), one list per kernel row.
export function windowTerms(padded, kernel, { stride, dilation }, i, j) {
  return kernel.map((weights, u) => weights.map((weight, v) => {
    const row = i * stride + u * dilation;
    const column = j * stride + v * dilation;
    return { pixel: padded[row][column].value, weight, row, column };
  }));
}

export const sumOf = (lines) => tidy(total(lines.flat().map(({ pixel, weight }) => pixel * weight)));

export function convolve(image, kernel, settings) {
  const shape = geometry(image, kernel, settings);
  const padded = padInput(image, shape);
  return table(shape.rows.out, shape.columns.out, (i, j) => sumOf(windowTerms(padded, kernel, shape, i, j)));
}

// One row per window, the pixels in the order of the flattened kernel.
export function im2col(image, kernel, settings) {
  const shape = geometry(image, kernel, settings);
  const padded = padInput(image, shape);
  return table(shape.rows.out, shape.columns.out, (i, j) =>
    windowTerms(padded, kernel, shape, i, j).flat().map(({ pixel }) => pixel)).flat();
}

// Every (pixel, weight, output) triple of the convolution: both gradients only regroup this list.
export function taps(image, kernel, settings) {
  const shape = geometry(image, kernel, settings);
  const padded = padInput(image, shape);
  return table(shape.rows.out, shape.columns.out, (i, j) => windowTerms(padded, kernel, shape, i, j).flatMap((line, u) =>
    line.map((term, v) => ({ ...term, i, j, u, v, source: padded[term.row][term.column].source })))).flat(2);
}

export function inputGradient(image, kernel, dout, settings) {
  const dx = table(image.length, image[0].length, () => 0);
  for (const { source, weight, i, j } of taps(image, kernel, settings)) {
    if (source) dx[source[0]][source[1]] += dout[i][j] * weight;
  }
  return dx.map((row) => row.map(tidy));
}

export function kernelGradient(image, kernel, dout, settings) {
  const dkernel = table(kernel.length, kernel[0].length, () => 0);
  for (const { pixel, i, j, u, v } of taps(image, kernel, settings)) dkernel[u][v] += dout[i][j] * pixel;
  return dkernel.map((row) => row.map(tidy));
}

export const rotate = (grid) => [...grid].reverse().map((row) => [...row].reverse());
export const imagePlane = (image, c = 0) => image.map((row) => row.map((pixel) => (Array.isArray(pixel) ? pixel[c] : pixel)));
export const kernelPlane = (kernel, c = 0, f = 0) => kernel.map((row) => row.map((tap) => (Array.isArray(tap) ? tap[c][f] : tap)));

// (H, W, C) with (K_h, K_w, C, F) and (F,): one map per filter, channels summed, bias added.
export function convolveChannels(image, kernel, bias, settings) {
  return bias.map((offset, f) => {
    const maps = image[0][0].map((_, c) => convolve(imagePlane(image, c), kernelPlane(kernel, c, f), settings));
    return maps[0].map((row, i) => row.map((_, j) => tidy(total(maps.map((map) => map[i][j])) + offset)));
  });
}

// ---------------------------------------------------------------- presets and state

export const IMAGES = {
  hand: ["hand example", digits("11100/01110/00111/00110/01100")],
  edge: ["edge", digits("0009999/0009999/0009999/0009999/0009999/0009999/0009999")],
  ...PICTURES,
};
export const KERNELS = {
  hand: ["hand example", digits("101/010/101")],
  identity: ["identity", digits("000/010/000")],
  blur: ["soft blur", [[0.1, 0.1, 0.1], [0.1, 0.2, 0.1], [0.1, 0.1, 0.1]]],
  sharpen: ["sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]],
  "sobel-x": ["Sobel x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]],
  "sobel-y": ["Sobel y", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]],
};
export const VIEWS = { forward: "Forward", im2col: "im2col", channels: "Channels", backward: "Backward" };
const PADDINGS = [["valid", "valid (none)"], ["same", "same"], ["1", "1 each side"], ["2", "2 each side"], ["3", "3 each side"]];
const MODES = [["zero", "zeros"], ["reflect", "reflect"], ["edge", "edge"]];

export const DEFAULTS = {
  image: IMAGES.hand[1], kernel: KERNELS.hand[1], bias: null, stride: 1, padding: "valid", pad_mode: "zero", dilation: 1,
  step: 0, view: "forward", target: "pixel", filter: 0, dout: null, predict: false,
};

const isStacked = ({ image }) => Array.isArray(image[0][0]);

export function fits({ image, kernel, ...settings }) {
  const { rows, columns } = geometry(imagePlane(image), kernelPlane(kernel), settings);
  return rows.out > 0 && columns.out > 0;
}

// A second channel and a second filter made from the first, so that the channels view has something to add up.
export function stack(image, kernel) {
  return {
    image: image.map((row) => row.map((pixel, c) => [pixel, row[row.length - 1 - c]])),
    kernel: kernel.map((row, u) => row.map((weight, v) => [[weight, u === v ? 1 : 0], [v - 1 || 0, u === v ? -1 : 0]])),
    bias: [1, 0],
  };
}

export function dimensions(state) {
  const { rows, columns } = geometry(imagePlane(state.image), kernelPlane(state.kernel), state);
  if (state.view !== "backward") return [rows.out, columns.out];
  return state.target === "pixel" ? [rows.size, columns.size] : [rows.kernel, columns.kernel];
}

// Whatever comes in (a link, an attribute, Python), what comes out can be drawn.
export function clean(given) {
  const state = { ...given };
  state.image = IMAGES[state.image]?.[1] ?? state.image;
  state.kernel = KERNELS[state.kernel]?.[1] ?? state.kernel;
  if (!isBox(state.image, 2) && !isBox(state.image, 3)) state.image = DEFAULTS.image;
  if (!isBox(state.kernel, 2) && !isBox(state.kernel, 4)) state.kernel = DEFAULTS.kernel;
  state.view = oneOf(state.view, Object.keys(VIEWS), "forward");
  if (state.view === "channels" && !isStacked(state)) Object.assign(state, stack(state.image, kernelPlane(state.kernel)));
  const channels = isStacked(state) ? state.image[0][0].length : 0;
  if (!channels) state.kernel = kernelPlane(state.kernel);
  else if (state.kernel[0][0].length !== channels) {
    state.kernel = kernelPlane(state.kernel).map((row) => row.map((weight) => range(channels).map(() => [weight])));
  }
  const filters = channels ? state.kernel[0][0][0].length : 1;
  if (!channels) state.bias = null;
  else if (!isBox(state.bias, 1) || state.bias.length !== filters) state.bias = range(filters).map(() => 0);
  state.filter = whole(state.filter, 0, filters - 1, 0);
  state.stride = whole(state.stride, 1, 4, 1);
  state.dilation = whole(state.dilation, 1, 4, 1);
  state.padding = state.padding === "same" ? "same" : whole(state.padding, 0, 4, "valid") || "valid";
  state.pad_mode = oneOf(state.pad_mode, MODES.map(([name]) => name), "zero");
  state.target = oneOf(state.target, ["pixel", "weight"], "pixel");
  state.predict = state.predict === true;
  if (!fits(state)) state.dilation = 1;
  if (!fits(state)) state.padding = "same";
  const { rows, columns } = geometry(imagePlane(state.image), kernelPlane(state.kernel), state);
  if (!isBox(state.dout, 2) || state.dout.length !== rows.out || state.dout[0].length !== columns.out) state.dout = null;
  const [height, width] = dimensions(state);
  state.step = clamp(whole(state.step, 0, 1e6, 0), height * width - 1);
  return state;
}

// The gradient that arrives from above, until the reader edits it: small integers that tell outputs apart.
const arriving = ({ dout }, { rows, columns }) =>
  dout ?? table(rows.out, columns.out, (i, j) => [1, 2, -1, 0, 3, -2, 1][(i * columns.out + j) % 7]);

// ---------------------------------------------------------------- what one step says

// Everything a step shows: the name of the result, its sum as lines of terms, the grid it lands in.
export function scene(state) {
  const image = imagePlane(state.image);
  const kernel = kernelPlane(state.kernel, 0, state.filter);
  const shape = geometry(image, kernel, state);
  const padded = padInput(image, shape);
  const [height, width] = dimensions(state);
  const at = [Math.floor(state.step / width), state.step % width];
  const base = { index: at, image, kernel, shape, padded, height, width, at, dout: arriving(state, shape), bias: null };
  if (state.view === "channels") return { ...base, ...channelScene(state, base) };
  if (state.view === "backward") return { ...base, ...backwardScene(state, base) };
  const groups = windowTerms(padded, kernel, shape, ...at);
  const names = groups.map((_, u) => `kernel row ${u}`);
  return { ...base, name: "out", groups, names, result: convolve(image, kernel, state), where: windowSentence(shape, at) };
}

function windowSentence({ rows, columns, stride, dilation }, [i, j]) {
  const span = (start, edge) => `${start} to ${start + edge.span - 1}`;
  const spaced = dilation > 1 ? `, every ${dilation === 2 ? "second" : dilation === 3 ? "third" : "fourth"} one` : "";
  const frame_ = rows.before + columns.before + rows.after + columns.after > 0 ? "padded rows" : "rows";
  return `The window reads ${frame_} ${span(i * stride, rows)}, columns ${span(j * stride, columns)}${spaced}.`;
}

function channelScene(state, { shape, at }) {
  const planes = state.image[0][0].map((_, c) => (
    { image: imagePlane(state.image, c), kernel: kernelPlane(state.kernel, c, state.filter) }));
  const blocks = planes.map(({ image, kernel }) => windowTerms(padInput(image, shape), kernel, shape, ...at));
  const maps = convolveChannels(state.image, state.kernel, state.bias, state);
  return {
    planes, maps, name: "out", index: [...at, state.filter], 
    groups: blocks.map((block) => block.flat()), names: blocks.map((_, c) => `channel ${c}`),
    bias: state.bias[state.filter], result: maps[state.filter], where: windowSentence(shape, at),
  };
}

function backwardScene(state, { image, kernel, shape, dout, at }) {
  const pixelMode = state.target === "pixel";
  const all = taps(image, kernel, state);
  const mine = all.filter(({ source, u, v }) => (pixelMode ? source?.join() === at.join() : u === at[0] && v === at[1]));
  const lines = [...new Set(mine.map(({ i }) => i))];
  const pairs = mine.map((tap) => ({ ...tap, pixel: dout[tap.i][tap.j], weight: pixelMode ? tap.weight : tap.pixel }));
  const groups = lines.map((line) => pairs.filter(({ i }) => i === line));
  const feeds = new Set(mine.map(({ i, j }) => `${i},${j}`)).size;
  const outputs = `${feeds} output${feeds === 1 ? "" : "s"}`;
  return {
    mine, groups, names: lines.map((line) => `output row ${line}`), name: pixelMode ? "dx" : "dkernel",
    result: (pixelMode ? inputGradient : kernelGradient)(image, kernel, dout, state),
    where: pixelMode
      ? `Input pixel (${at.join(", ")}) feeds ${outputs}, each through one weight.`
      : `Weight (${at.join(", ")}) is used in ${outputs}, each time on another pixel.`,
  };
}

const term = ({ pixel, weight }) => `${factor(pixel)}\u00b7${factor(weight)}`;

// The whole sum in digits: "out[0, 0] = (1·1 + 1·0 + 1·1) + (...) = 2 + 1 + 1 = 4"
export function sumSentence({ name, index, groups, bias }, hidden) {
  const parts = groups.map((group) => sumOf([group]));
  const terms = groups.map((group) => `(${group.map(term).join(" + ")})`);
  if (bias !== null) {
    terms.push(factor(bias));
    parts.push(bias);
  }
  const result = tidy(total(parts));
  if (!terms.length) return `${name}[${index.join(", ")}] = 0`;
  const head = `${name}[${index.join(", ")}] = ${terms.join(" + ")}`;
  if (hidden) return `${head} = ?`;
  return `${head} = ${parts.length > 1 ? `${parts.map(factor).join(" + ")} = ` : ""}${full(result)}`;
}

// ---------------------------------------------------------------- the widget

export function mount(root, model) {
  const fig = figure(root, model, {
    label: "Convolution, step by step", style: GRID_STYLE + TRANSPORT_STYLE + WINDOW_STYLE + LOOK, defaults: DEFAULTS, clean });
  const known = new Set();
  let seen = signature();
  let now;

  // Answers stay known while the reader only walks about; a changed number or setting asks anew.
  function signature() {
    const { step, view, target, filter, predict, ...rest } = fig.state;
    return JSON.stringify(rest);
  }
  const question = () => [fig.state.view, fig.state.target, fig.state.filter, fig.state.step].join();
  const hidden = () => fig.state.predict && !known.has(question());

  function change(changes) {
    const next = { ...fig.state, ...changes };
    if (next.padding === "valid" || next.padding === "same" || Number.isInteger(next.padding)) {
      const trial = clean({ ...next, dilation: 1, padding: "same" });
      if (!fits({ ...trial, dilation: next.dilation, padding: next.padding })) {
        const asked = { ...trial, dilation: next.dilation, padding: next.padding };
        const edge = geometry(imagePlane(trial.image), kernelPlane(trial.kernel), asked).rows;
        fig.warn(`Not possible: a window spanning ${edge.span} pixels does not fit ${edge.padded} rows or columns. Nothing changed.`);
        return;
      }
    }
    fig.set(changes);
  }
  const stopAnd = (action) => (...given) => {
    bar.stop();
    return action(...given);
  };
  const go = (step) => fig.set({ step: clamp(step, now.height * now.width - 1) });
  const move = stopAnd((rows, columns) => {
    go(clamp(now.at[0] + rows, now.height - 1) * now.width + clamp(now.at[1] + columns, now.width - 1));
  });
  const pick = stopAnd((row, column) => go(row * now.width + column));
  const pickFilter = stopAnd((filter, row, column) => change({ filter, step: row * now.width + column }));
  const reject = stopAnd(fig.refuse);

  const copy = (value) => JSON.parse(JSON.stringify(value));
  const editImage = (channel) => stopAnd(([row, column], value) => {
    const image = copy(fig.state.image);
    if (isStacked(fig.state)) image[row][column][channel] = value;
    else image[row][column] = value;
    change({ image });
  });
  const editKernel = (channel) => stopAnd(([u, v], value) => {
    const kernel = copy(fig.state.kernel);
    if (isStacked(fig.state)) kernel[u][v][channel][fig.state.filter] = value;
    else kernel[u][v] = value;
    change({ kernel });
  });
  const editDout = stopAnd(([row, column], value) => {
    const dout = copy(now.dout);
    dout[row][column] = value;
    change({ dout });
  });

  const bar = transport({ go, reset: () => { known.clear(); fig.reset(); }, onplaying: () => draw() });
  const stages = {
    forward: forwardStage({ editImage: editImage(0), editKernel: editKernel(0), reject, pick, move }),
    channels: channelsStage({ editImage, editKernel, reject, move, pick: pickFilter }),
    backward: backwardStage({ editImage: editImage(0), editKernel: editKernel(0), editDout, reject, pick, move }),
  };
  stages.im2col = stages.forward;
  const product = productBlock();
  const sum = sumBlock({
    check(text) {
      const value = parseNumber(text);
      const answer = now.result[now.at[0]][now.at[1]];
      if (value === null) fig.warn("Type a number, then Check.");
      else if (Math.abs(value - answer) > 1e-6) {
        fig.warn(`Not yet: ${full(value)} is ${full(Math.abs(value - answer))} too ${value > answer ? "high" : "low"}.`);
      } else reveal("Right.");
    },
    show: () => reveal(""),
    next: () => go(fig.state.step + 1),
  });
  function reveal(text) {
    known.add(question());
    fig.warn(text);
  }
  const fields = settingsBlock(change, stopAnd, fig);
  const views = choices("View", VIEWS, stopAnd((view) => change({ view, step: 0 })));
  const targets = choices("Gradient of", { pixel: "Pick a pixel", weight: "Pick a weight" }, stopAnd((target) => change({ target, step: 0 })));
  const formula = formulaBlock();
  const legend = h("div");

  fig.element.append(views.element, targets.element,
    stages.forward.element, stages.channels.element, stages.backward.element,
    sum.element, fig.note, fig.status, bar.element, product.element, fields.element, formula.element, legend);

  function draw() {
    const { state } = fig;
    if (signature() !== seen) {
      seen = signature();
      known.clear();
    }
    now = scene(state);
    const view = { state, now, narrow: fig.narrow, hidden: hidden(), shown: shownResult(), tint: shades(state, now) };
    views.update(state.view);
    targets.update(state.target);
    targets.element.hidden = state.view !== "backward";
    for (const stage of new Set(Object.values(stages))) stage.element.hidden = stage !== stages[state.view];
    stages[state.view].update(view);
    product.element.hidden = state.view !== "im2col";
    if (state.view === "im2col") product.update(view);
    sum.update(view, question());
    fields.update(state);
    formula.update(now.shape, parameterCount(state));
    bar.update({ step: state.step, count: now.height * now.width, locked: state.predict });
    fig.say(remark(state, now), `${sumSentence(now, view.hidden)}.`, bar.playing());
    legend.replaceChildren(scaleLegend(view.tint, "Tap a number to change it, a result cell to go there. Arrow keys move, Space plays."));
  }

  // Cells the reader has not reached stay empty; paper cannot be stepped, so it gets them all.
  function shownResult() {
    return now.result.map((row, r) => row.map((value, c) => {
      const index = r * now.width + c;
      if (index === fig.state.step) return hidden() ? { value: null, text: "?" } : { value };
      return { value: index < fig.state.step || fig.printed ? value : null };
    }));
  }

  const resize = () => fig.element.style.setProperty("--cell", `${stages[fig.state.view].cell(fig.width, now)}px`);
  return fig.start({ draw, resize, move, bar, go: stopAnd(go) });
}

// What a step is worth saying besides its sum.
function remark(state, { where, shape }) {
  if (state.view === "channels") return `${where} ${state.image[0][0].length} channels are added, then the bias.`;
  if (state.view !== "backward" || state.target !== "pixel" || state.stride > 1) return where;
  return `${where} On dout the weights lie flipped.`;
}

function shades(state, now) {
  if (state.view !== "backward") return tintScale(now.result, state.image, state.kernel);
  return tintScale(now.result, now.dout, now.kernel, state.target === "weight" ? now.image : []);
}

// The weight as it lies on the input: a decimal goes without its leading zero, cells are small.
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

function forwardStage({ editImage, editKernel, reject, pick, move }) {
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

function channelsStage({ editImage, editKernel, reject, pick, move }) {
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

function backwardStage({ editImage, editKernel, editDout, reject, pick, move }) {
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

// im2col: the patch matrix fills row by row; times the kernel as a column it gives the output as a column.
function productBlock() {
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

function sumBlock({ check, show, next }) {
  const lines = h("tbody");
  const result = h("div", { class: "result", "aria-hidden": "true" });
  const onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // else the same key press goes on to the button that gets the focus
    check(field.value);
  };
  const field = h("input", { class: "text", "aria-label": "Your prediction", autocomplete: "off", onkeydown });
  const checkButton = button("Check", () => check(field.value));
  const showButton = button("Show", show);
  const nextButton = button("Next one", () => {
    next();
    field.focus();
  });
  const answer = h("div", { class: "answer controls", role: "group", "aria-label": "Predict" }, field, checkButton, showButton, nextButton);
  let asked = "";
  const table_ = h("div", { "aria-hidden": "true" }, h("table", { role: "presentation" }, lines));
  const element = h("div", { class: "sum", role: "group", "aria-label": "Sum" }, table_, h("div", { class: "total" }, result, answer));
  return {
    element,
    update({ state, now, narrow, hidden }, question) {
      const longest = Math.max(1, ...now.groups.map((group) => group.length));
      const wide = state.view === "channels" ? now.kernel[0].length : Math.min(longest, narrow ? 3 : 7);
      const bias = now.bias === null ? [] : [now.bias];
      const names = now.names.map((text) => (narrow ? text.replace(/^(kernel|output) /, "") : text));
      lines.replaceChildren(...now.groups.flatMap((group, index) => sumLines(names[index], group, wide, hidden)),
        ...bias.map((value) => biasLine(value, wide)));
      const parts = [...now.groups.map((group) => sumOf([group])), ...bias];
      const value = now.result[now.at[0]][now.at[1]];
      const shown = hidden ? "?" : short(value, 8);
      const rounded = shown.startsWith("\u2248");
      const steps = hidden || parts.length < 2 ? "" : `${parts.map(factorShort).join(" + ")} ${rounded ? "" : "= "}`;
      const name = `${now.name}[${now.index.join(", ")}] = ${steps}`;
      result.replaceChildren(h("span", {}, name), h("b", rounded ? { title: full(value) } : {}, shown));
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0; // so that the keys can scroll it
      else element.removeAttribute("tabindex");
      answer.hidden = !state.predict;
      result.classList.toggle("asked", hidden);
      const inside = answer.contains(answer.getRootNode().activeElement);
      if (question !== asked) field.value = "";
      asked = question;
      [field, checkButton, showButton].forEach((control) => (control.hidden = !hidden));
      nextButton.hidden = hidden || state.step >= now.height * now.width - 1;
      if (inside && !hidden && !nextButton.hidden) nextButton.focus();
    },
  };
}

// One group of terms, a table row for every kernel row in it, its sum behind the last.
function sumLines(name, group, width, hidden) {
  const chunks = range(Math.ceil(group.length / width)).map((index) => group.slice(index * width, (index + 1) * width));
  return chunks.map((chunk, line) => {
    const end = line === chunks.length - 1;
    const cells = chunk.flatMap((pair, index) => [
      index + line ? h("td", { class: "soft" }, "+") : h("td"),
      h("td", {}, factorShort(pair.pixel), "\u00b7", h("span", { class: "weight" }, factorShort(pair.weight)))]);
    const blank = range(2 * (width - chunk.length)).map(() => h("td"));
    return h("tr", {}, h("td", { class: "name" }, line ? "" : name), ...cells, ...blank,
      h("td", { class: "soft" }, end && !hidden ? "=" : ""), h("td", { class: "part" }, end && !hidden ? short(sumOf([group])) : ""));
  });
}
const factorShort = (value) => (value < 0 ? `(${short(value)})` : short(value));
const biasLine = (bias, width) => h("tr", {},
  h("td", { class: "name" }, "bias"), h("td", { colspan: 2 * width + 1 }), h("td", { class: "part" }, short(bias)));

function settingsBlock(change, stopAnd, fig) {
  const set = (name, read = (text) => text) => stopAnd((text) => change({ [name]: read(text) }));
  const padding = (text) => (text === "valid" || text === "same" ? text : Number(text));
  const names = (presets) => [...Object.entries(presets).map(([name, [text]]) => [name, text]), ["custom", "your own"]];
  const image = select("Image", names(IMAGES), stopAnd((name) => {
    const plane = IMAGES[name]?.[1];
    if (plane) change({ step: 0, ...(isStacked(fig.state) ? stack(plane, kernelPlane(fig.state.kernel)) : { image: plane }) });
  }));
  const kernel = select("Kernel", names(KERNELS), stopAnd((name) => {
    const plane = KERNELS[name]?.[1];
    if (plane) change(isStacked(fig.state) ? stack(imagePlane(fig.state.image), plane) : { kernel: plane });
  }));
  const stride = select("Stride", ["1", "2", "3", "4"].map((n) => [n, n]), set("stride", Number));
  const pad = select("Padding", PADDINGS, set("padding", padding));
  const mode = select("Padding holds", MODES, set("pad_mode"));
  const dilation = select("Dilation", ["1", "2", "3"].map((n) => [n, n]), set("dilation", Number));
  const filter = select("Filter", [], set("filter", Number));
  const predict = check("Predict first", stopAnd((on) => change({ predict: on })));
  const element = settings("Image, kernel and settings", image, kernel, stride, pad, mode, dilation, filter, predict);
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const presetOf = (presets, plane) => Object.keys(presets).find((name) => same(presets[name][1], plane)) ?? "custom";
  return {
    element,
    update(state) {
      const filters = state.bias?.length ?? 0;
      if (filter.control.length !== filters) filter.control.replaceChildren(...range(filters).map((f) => h("option", { value: f }, f)));
      filter.element.hidden = filters < 2;
      image.update(presetOf(IMAGES, imagePlane(state.image)));
      kernel.update(presetOf(KERNELS, kernelPlane(state.kernel, 0, state.filter)));
      stride.update(state.stride);
      pad.update(state.padding);
      mode.update(state.pad_mode);
      dilation.update(state.dilation);
      filter.update(state.filter);
      predict.update(state.predict);
    },
  };
}

function parameterCount({ view, kernel }) {
  if (view !== "channels") return "";
  const [height, width, channels, filters] = [kernel.length, kernel[0].length, kernel[0][0].length, kernel[0][0][0].length];
  const product = [height, width, channels, filters].join("\u00b7");
  const sum = height * width * channels * filters + filters;
  return `Weights for every tap, channel and filter, one bias a filter: ${product} + ${filters} = ${sum} parameters`;
}

const LOOK = `
.cell small { position: absolute; right: 4px; bottom: 3px; color: var(--weight); font-size: 11px; line-height: 13px; font-weight: 600; }
.cell:has(small:not(:empty)) span { transform: translate(-3px, -4px); }
.weights .cell, .weight { color: var(--weight); }
.weights .cell { font-weight: 600; }
.cell.tap { box-shadow: inset 0 0 0 1px var(--link); }
.frames i.wide { border-style: dashed; border-width: 2px; }
.sum { width: fit-content; max-width: 100%; margin: .8rem auto 0; overflow-x: auto; }
.sum table { border-collapse: collapse; }
.sum td { padding: 1px .2em; text-align: right; white-space: nowrap; }
.sum td.name { padding: 0 .7em 0 0; color: var(--soft); font-size: 13px; text-align: left; }
.sum td.part { padding-left: .5em; font-weight: 600; }
.total { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; min-height: 53px;
  margin-top: 4px; padding-top: 4px; border-top: 1px solid var(--line); }
.product { --mini: 28px; flex-wrap: nowrap; align-items: flex-start; margin-top: .9rem; gap: .5rem; }
@media not print { .product { max-height: 292px; overflow-y: auto; } }
.product .cell { --cell: var(--mini); font-size: 14px; }
.product .cell.long { font-size: 11px; }
.product .frames { --cell: var(--mini); }
.product .foot { display: none; }
.product .sign { margin-top: 130px; }
.rows { display: grid; gap: .9rem; }
.pair { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1rem; }
.maps { display: flex; flex-wrap: wrap; gap: .6rem 1rem; }
@container (min-width: 560px) { .maps { flex-direction: column; } }
@container (max-width: 559px) {
  .product { --mini: 24px; gap: .25rem; }
  .product .sign { display: block; width: auto; }
  .sum { margin-left: 0; }
}
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("conv-stepper", mount);

export default { render };
