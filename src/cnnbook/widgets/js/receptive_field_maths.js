// The maths of the receptive field: what a unit sees, what a pixel feeds, the state and the sentences. It runs without a
// browser.

import { clamp, full, isBox, oneOf, range, whole } from "./numbers.js";
import { axis } from "./window.js";

// ---------------------------------------------------------------- receptive fields (one axis, integers)

// The sizes of a stack: one axis() per layer, from the input upwards.
export function stackOf(size, layers) {
  let units = size;
  return layers.map(({ kernel, ...settings }) => {
    const edge = axis(units, kernel, settings);
    units = edge.out;
    return { ...settings, ...edge };
  });
}

// The receptive field of unit 0 of every layer: `size` pixels from `start`. That of the next unit starts `jump` pixels on.
export function fields(stack) {
  const all = [{ size: 1, jump: 1, start: 0 }];
  for (const { span, stride, before } of stack) {
    const { size, jump, start } = all.at(-1);
    all.push({ size: size + (span - 1) * jump, jump: jump * stride, start: start - before * jump });
  }
  return all;
}

// By counting: for each layer from `layer` down to the input, the units that unit `index` depends on.
export function seen(stack, layer, index) {
  const sets = [new Set([index])];
  for (let at = layer - 1; at >= 0; at--) {
    const { size, kernel, stride, dilation, before } = stack[at];
    const touched = [...sets[0]].flatMap((unit) => range(kernel).map((tap) => unit * stride + tap * dilation - before));
    sets.unshift(new Set(touched.filter((unit) => unit >= 0 && unit < size)));
  }
  return sets;
}

// By counting: for each layer from `layer` up to the last, the units that depend on unit `index`.
export function fed(stack, layer, index) {
  const sets = [new Set([index])];
  for (const { kernel, stride, dilation, before, out } of stack.slice(layer)) {
    const reads = (unit) => range(kernel).some((tap) => sets.at(-1).has(unit * stride + tap * dilation - before));
    sets.push(new Set(range(out).filter(reads)));
  }
  return sets;
}

// ---------------------------------------------------------------- presets and state

export const conv = (kernel, more = {}) => ({ kind: "conv", kernel, stride: 1, dilation: 1, padding: "valid", ...more });
export const pool = (kernel = 2) => ({ kind: "pool", kernel, stride: kernel, dilation: 1, padding: "valid" });
export const same = { padding: "same" };
export const STACKS = {
  blocks: ["2\u00d7 conv, pool", [conv(3, same), pool(), conv(3, same), pool()]],
  threes: ["three 3\u00d73", [conv(3), conv(3), conv(3)]],
  seven: ["one 7\u00d77", [conv(7)]],
  strided: ["stride 2, twice", [conv(3, { ...same, stride: 2 }), conv(3, { ...same, stride: 2 }), conv(3, same)]],
  dilated: ["dilation 1, 2, 4", [conv(3, same), conv(3, { ...same, dilation: 2 }), conv(3, { ...same, dilation: 4 })]],
  deep: ["2\u00d7 conv, conv, pool", [conv(3, same), conv(3, same), pool(), conv(3, same), conv(3, same), pool()]],
};
export const MOST = 6;
export const DEFAULTS = { size: 28, layers: STACKS.blocks[1], layer: 4, unit: [3, 3], image: null };

const fits = (size, layers) => stackOf(size, layers).every(({ out }) => out > 0);
const cleanLayer = ({ kind, kernel, stride, dilation, padding }) => ({
  kind: oneOf(kind, ["conv", "pool"], "conv"), kernel: whole(kernel, 1, 7, 3),
  stride: whole(stride, 1, 4, kind === "pool" ? whole(kernel, 1, 4, 2) : 1),
  dilation: whole(dilation, 1, 4, 1), padding: oneOf(padding, ["valid", "same"], "valid") });

// Turns what a link, an attribute or Python gives into a state that can be drawn. Replaces every value that cannot.
export function clean(given) {
  const state = { ...given };
  state.layers = STACKS[state.layers]?.[1] ?? state.layers;
  if (!Array.isArray(state.layers) || !state.layers.length) state.layers = DEFAULTS.layers;
  state.layers = state.layers.slice(0, MOST).map((layer) => cleanLayer(layer ?? {}));
  state.image = isBox(state.image, 2, 32) && state.image.length === state.image[0].length && state.image.length > 3 ? state.image : null;
  state.size = state.image ? state.image.length : whole(state.size, 4, 32, DEFAULTS.size);
  while (!fits(state.size, state.layers)) state.layers = state.layers.slice(0, -1);
  if (!state.layers.length) state.layers = [conv(3, same)];
  state.layer = whole(state.layer, 0, MOST, state.layers.length);
  state.layer = Math.min(state.layer, state.layers.length);
  const units = [state.size, ...stackOf(state.size, state.layers).map(({ out }) => out)][state.layer];
  const unit = Array.isArray(state.unit) && state.unit.length === 2 ? state.unit : DEFAULTS.unit;
  state.unit = unit.map((index) => clamp(whole(index, 0, 99, 0), units - 1));
  return state;
}

// ---------------------------------------------------------------- what a unit says

export function scene(state) {
  const stack = stackOf(state.size, state.layers);
  const units = [state.size, ...stack.map(({ out }) => out)];
  const field = fields(stack);
  const mine = field[state.layer];
  const window_ = state.unit.map((index) => {
    const from = mine.start + index * mine.jump;
    return { from, to: from + mine.size - 1, first: Math.max(0, from), last: Math.min(state.size - 1, from + mine.size - 1) };
  });
  const below = seen(stack, state.layer, state.unit[1]);
  const above = fed(stack, state.layer, state.unit[1]);
  return { stack, units, field, mine, window_, below, above };
}

export const layerName = ({ kind, kernel, stride, dilation }) =>
  `${kind} ${kernel}\u00d7${kernel}${stride > 1 ? `, stride ${stride}` : ""}${dilation > 1 ? `, dilation ${dilation}` : ""}`;

// "size = 4 + (3 - 1)·2 = 8; first column = -3 + 3·2 = 3"
export function sums({ layer, layers, unit }, { field, mine, window_ }) {
  const start = `first column = ${full(mine.start)} + ${unit[1]}\u00b7${mine.jump} = ${full(window_[1].from)}`;
  if (layer === 0) return `size = 1; ${start}`;
  const { kernel, dilation } = layers[layer - 1];
  const { size, jump } = field[layer - 1];
  const steps = dilation > 1 ? `${dilation}\u00b7(${kernel} \u2212 1)` : `(${kernel} \u2212 1)`;
  return `size = ${size} + ${steps}\u00b7${jump} = ${mine.size}; ${start}`;
}

export function remark({ layer, layers, unit, size }, { units, window_: [rows, columns], below, above, mine }) {
  if (layer === 0) {
    const reached = above.at(-1).size;
    return `Pixel [${unit.join(", ")}] reaches ${reached} of ${units.at(-1)} columns of the last layer.`;
  }
  const area = (rows.last - rows.first + 1) * (columns.last - columns.first + 1);
  const outside = rows.from < 0 || columns.from < 0 || rows.to >= size || columns.to >= size ? " The rest lies in the padding." : "";
  const holes = below[0].size < columns.last - columns.first + 1 ? ` With gaps: it touches ${below[0].size} of these columns.` : "";
  return `A unit of layer ${layer} (${layerName(layers[layer - 1])}) sees ${mine.size}\u00d7${mine.size} pixels: rows ${rows.first} to `
    + `${rows.last}, columns ${columns.first} to ${columns.last}, ${area} of ${size * size}.${outside}${holes}`;
}
