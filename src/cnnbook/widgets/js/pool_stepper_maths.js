// The maths of the pool-stepper: pooling, its gradient, the state and the sentences. It runs without a browser.

import { clamp, factor, full, isBox, oneOf, table, tidy, total, whole } from "./numbers.js";
import { axis, digits, PICTURES } from "./window.js";

// ---------------------------------------------------------------- pooling

export const geometry = ({ image, pool_size, stride, padding }) => ({
  rows: axis(image.length, pool_size, { stride, padding }), columns: axis(image[0].length, pool_size, { stride, padding }), stride });

// The pixels of window (i, j), row by row, without padding: padding is never the maximum and is not averaged.
export function windowPixels(image, { rows, columns, stride }, i, j) {
  const places = table(rows.kernel, columns.kernel, (u, v) => [i * stride + u - rows.before, j * stride + v - columns.before]);
  return places.flat().filter(([row, column]) => image[row]?.[column] !== undefined)
    .map(([row, column]) => ({ row, column, value: image[row][column] }));
}

// The largest pixel; of several, the first.
export const winnerOf = (pixels) => pixels.reduce((best, pixel) => (pixel.value > best.value ? pixel : best));
export const sumOf = (pixels) => tidy(total(pixels.map(({ value }) => value)));

export function pool(state) {
  const shape = geometry(state);
  return table(shape.rows.out, shape.columns.out, (i, j) => {
    const pixels = windowPixels(state.image, shape, i, j);
    return state.mode === "max" ? winnerOf(pixels).value : sumOf(pixels) / pixels.length;
  });
}

// The gradient of the input from the first `count` windows, row by row; from all by default.
export function inputGradient(state, dout, count = Infinity) {
  const shape = geometry(state);
  const dx = state.image.map((row) => row.map(() => 0));
  for (let index = 0; index < Math.min(count, shape.rows.out * shape.columns.out); index++) {
    const [i, j] = [Math.floor(index / shape.columns.out), index % shape.columns.out];
    const pixels = windowPixels(state.image, shape, i, j);
    const takers = state.mode === "max" ? [winnerOf(pixels)] : pixels;
    for (const { row, column } of takers) dx[row][column] += dout[i][j] / takers.length;
  }
  return dx;
}

// ---------------------------------------------------------------- presets and state

export const IMAGES = {
  numbers: ["numbers", digits("132051/427103/083326/512144/620172/345018")],
  relu: ["map after ReLU", digits("002500/001600/030400/070002/100000/000300")],
  negative: ["all negative", [[-3, -1, -4, -1, -5], [-9, -2, -6, -5, -3], [-5, -8, -9, -7, -9], [-3, -2, -3, -8, -4], [-6, -2, -6, -4, -3]]],
  ...PICTURES,
};
export const VIEWS = { forward: "Forward", backward: "Backward" };
export const MODES = { max: "Max", average: "Average" };
export const DEFAULTS = {
  image: IMAGES.numbers[1], mode: "max", pool_size: 2, stride: 2, padding: "valid", view: "forward", dout: null, step: 0, predict: false,
};

export const fits = (state) => {
  const { rows, columns } = geometry(state);
  return rows.out > 0 && columns.out > 0;
};

// Turns what a link, an attribute or Python gives into a state that can be drawn. Replaces every value that cannot.
export function clean(given) {
  const state = { ...given };
  state.image = IMAGES[state.image]?.[1] ?? state.image;
  if (!isBox(state.image, 2)) state.image = DEFAULTS.image;
  state.mode = oneOf(state.mode, Object.keys(MODES), "max");
  state.view = oneOf(state.view, Object.keys(VIEWS), "forward");
  state.pool_size = whole(state.pool_size, 1, 4, 2);
  state.stride = whole(state.stride, 1, 4, 2);
  state.padding = oneOf(state.padding, ["valid", "same"], "valid");
  state.predict = state.predict === true;
  if (!fits(state)) state.padding = "same";
  const { rows, columns } = geometry(state);
  if (!isBox(state.dout, 2) || state.dout.length !== rows.out || state.dout[0].length !== columns.out) state.dout = null;
  state.step = clamp(whole(state.step, 0, 1e6, 0), rows.out * columns.out - 1);
  return state;
}

// The gradient of the outputs, dout. Until the reader edits it: multiples of four, which four pixels can share.
export const arriving = ({ dout }, { rows, columns }) =>
  dout ?? table(rows.out, columns.out, (i, j) => [4, 8, -4, 12, 16, -8, 0][(i * columns.out + j) % 7]);

// ---------------------------------------------------------------- what one step says

const place = ({ row, column }) => `row ${row}, column ${column}`;
const many = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;

// Everything that one step shows. `target` is the pixel whose gradient the sum spells out.
export function scene(state) {
  const shape = geometry(state);
  const at = [Math.floor(state.step / shape.columns.out), state.step % shape.columns.out];
  const pixels = windowPixels(state.image, shape, ...at);
  const winner = winnerOf(pixels);
  const ties = pixels.filter(({ value }) => value === winner.value);
  const dout = arriving(state, shape);
  const dx = inputGradient(state, dout, state.step + 1).map((row) => row.map(tidy));
  const target = state.mode === "max" ? winner : pixels[0];
  const before = inputGradient(state, dout, state.step)[target.row][target.column];
  return { shape, at, pixels, winner, ties, dout, dx, target, before: tidy(before), out: pool(state).map((row) => row.map(tidy)) };
}

// "out[0, 0] = max(1, 3, 4, 2) = 4", "out[0, 0] = (1 + 3 + 4 + 2) / 4 = 10 / 4 = 2.5", "dx[1, 0] = 0 + 4 = 4"
export function sumSentence(state, { at: [i, j], pixels, target, before, dout, dx, out }, hidden) {
  const values = pixels.map(({ value }) => value);
  const share = state.mode === "max" ? factor(dout[i][j]) : `${factor(dout[i][j])} / ${pixels.length}`;
  if (state.view === "backward") {
    const head = `dx[${hidden && state.mode === "max" ? "?, ?" : `${target.row}, ${target.column}`}]`;
    return hidden ? `${head} = ?` : `${head} = ${factor(before)} + ${share} = ${full(dx[target.row][target.column])}`;
  }
  const steps = state.mode === "max" ? `max(${values.map(full).join(", ")})` : `(${values.map(factor).join(" + ")}) / ${values.length}`;
  if (hidden) return `out[${i}, ${j}] = ${steps} = ?`;
  const middle = state.mode === "max" ? "" : `${factor(sumOf(pixels))} / ${values.length} = `;
  return `out[${i}, ${j}] = ${steps} = ${middle}${full(out[i][j])}`;
}

export function remark(state, { at: [i, j], pixels, winner, ties, dout }) {
  const padded = pixels.length < state.pool_size ** 2 ? " Padding takes no part." : "";
  const named = `dout[${i}, ${j}] = ${full(dout[i][j])}`;
  if (state.mode === "average") {
    if (state.view === "forward") return `The mean of ${many(pixels.length, "pixel")}.${padded}`;
    return `Each of ${many(pixels.length, "pixel")} gets an equal share of ${named}.${padded}`;
  }
  const tie = ties.length > 1 ? ` ${ties.length} pixels tie: the first, row by row, counts.` : "";
  if (state.view === "forward") return `The largest sits at ${place(winner)}.${tie}${padded}`;
  const lost = pixels.length > 1 ? `, and 0 to the other ${pixels.length - 1}` : "";
  return `${named} goes to the winner at ${place(winner)}${lost}.${tie}`;
}
