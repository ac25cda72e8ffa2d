// The maths of the conv-stepper: the convolution, its gradients, the state and the sentences. It runs without a browser.

import { clamp, factor, full, isBox, oneOf, range, table, tidy, total, whole } from "./numbers.js";
import { axis, digits, PICTURES } from "./window.js";

// ---------------------------------------------------------------- convolution (exact for integers)

export function geometry(image, kernel, settings) {
  return { rows: axis(image.length, kernel.length, settings), columns: axis(image[0].length, kernel[0].length, settings), ...settings };
}

// The index in the image whose pixel stands at `index` of the padded image, or -1 where that is a zero.
export function sourceIndex(index, size, mode) {
  if (index >= 0 && index < size) return index;
  if (mode === "edge") return index < 0 ? 0 : size - 1;
  if (mode !== "reflect") return -1;
  const period = Math.max(1, 2 * (size - 1));
  const wrapped = ((index % period) + period) % period;
  return Math.min(wrapped, period - wrapped) % size;
}

// The padded image as cells { value, source, ring }: source is [row, column] in the image, or null for a padding zero;
// ring says that the cell is padding.
export function padInput(image, { rows, columns, pad_mode }) {
  return table(rows.padded, columns.padded, (r, c) => {
    const row = sourceIndex(r - rows.before, rows.size, pad_mode);
    const column = sourceIndex(c - columns.before, columns.size, pad_mode);
    const outside = row < 0 || column < 0;
    const ring = r < rows.before || r >= rows.before + rows.size || c < columns.before || c >= columns.before + columns.size;
    return { value: outside ? 0 : image[row][column], source: outside ? null : [row, column], ring };
  });
}

// The pairs of pixel and weight that output (i, j) adds up, one list for each kernel row.
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

// The patch matrix: one row for each window, its pixels in the order of the flattened kernel.
export function im2col(image, kernel, settings) {
  const shape = geometry(image, kernel, settings);
  const padded = padInput(image, shape);
  return table(shape.rows.out, shape.columns.out, (i, j) =>
    windowTerms(padded, kernel, shape, i, j).flat().map(({ pixel }) => pixel)).flat();
}

// Every product of the convolution, with its pixel, weight and output. Both gradients are sums over this list.
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

// An image (H, W, C) with a kernel (K_h, K_w, C, F) and a bias (F,): one map for each filter, summed over the channels,
// with the bias added.
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
export const PADDINGS = [["valid", "valid (none)"], ["same", "same"], ["1", "1 each side"], ["2", "2 each side"], ["3", "3 each side"]];
export const MODES = [["zero", "zeros"], ["reflect", "reflect"], ["edge", "edge"]];

export const DEFAULTS = {
  image: IMAGES.hand[1], kernel: KERNELS.hand[1], bias: null, stride: 1, padding: "valid", pad_mode: "zero", dilation: 1,
  step: 0, view: "forward", target: "pixel", filter: 0, dout: null, predict: false,
};

export const isStacked = ({ image }) => Array.isArray(image[0][0]);

export function fits({ image, kernel, ...settings }) {
  const { rows, columns } = geometry(imagePlane(image), kernelPlane(kernel), settings);
  return rows.out > 0 && columns.out > 0;
}

// Adds a second channel and a second filter, made from the first, because the channels view needs two of each.
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

// Turns what a link, an attribute or Python gives into a state that can be drawn. Replaces every value that cannot.
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

// The gradient of the outputs, dout. Until the reader edits it: small integers, different from one output to the next.
const arriving = ({ dout }, { rows, columns }) =>
  dout ?? table(rows.out, columns.out, (i, j) => [1, 2, -1, 0, 3, -2, 1][(i * columns.out + j) % 7]);

// ---------------------------------------------------------------- what one step says

// Everything that one step shows: the name of the result, its sum as groups of terms, and the grid of all results.
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
