// gradient-flow: the length of the gradient at each layer, and the chain rule on a graph of numbers. The maths first, then
// the widget.

import { normals } from "./chance.js";
import { CHART_STYLE, lineChart } from "./chart.js";
import { button, check, choices, h, number, s, select, settings, slider } from "./elements.js";
import { defineElement, figure } from "./figure.js";
import { clamp, factor, full, isNumber, oneOf, range, short, table, tidy, total, whole } from "./numbers.js";
import { transport, TRANSPORT_STYLE } from "./transport.js";

// ---------------------------------------------------------------- maths (pure)

// As many units as a 3x3 window over 4 channels holds numbers.
export const UNITS = 36;
export const BATCH = 16;
export const EPSILON = 0.001;
export const INITS = {
  one: ["std 1", 1], window: ["randn/k\u00b2", 1 / 9], glorot: ["Glorot", Math.sqrt(2 / (UNITS + UNITS))], he: ["He", Math.sqrt(2 / UNITS)],
};
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
export const ACTIVATIONS = {
  relu: ["ReLU", (z) => Math.max(0, z), (z) => (z > 0 ? 1 : 0)],
  tanh: ["tanh", Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  sigmoid: ["sigmoid", sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))],
  linear: ["none", (z) => z, () => 1],
};

const matmul = (a, b) => a.map((row) => b[0].map((_, j) => {
  let sum = 0;
  for (let k = 0; k < row.length; k++) sum += row[k] * b[k][j];
  return sum;
}));
const transpose = (a) => a[0].map((_, j) => a.map((row) => row[j]));
const length = (a) => Math.sqrt(total(a.flat().map((value) => value * value)));

function normalise(z) {
  const n = z.length;
  const mean = z[0].map((_, j) => total(z.map((row) => row[j])) / n);
  const scale = z[0].map((_, j) => 1 / Math.sqrt(total(z.map((row) => (row[j] - mean[j]) ** 2)) / n + EPSILON));
  return { hat: z.map((row) => row.map((value, j) => (value - mean[j]) * scale[j])), scale };
}

// The length of the gradient of each layer's outputs, for dense layers x @ W, with batch norm if asked for, and an activation.
export function gradientLengths(x, weights, dout, { activation, batchnorm }) {
  const [, act, slope] = ACTIVATIONS[activation];
  const kept = [];
  let out = x;
  for (const w of weights) {
    const z = matmul(out, w);
    const norm = batchnorm ? normalise(z) : null;
    const before = norm ? norm.hat : z;
    kept.push({ before, norm, w });
    out = before.map((row) => row.map(act));
  }
  const lengths = [];
  let d = dout;
  for (const { before, norm, w } of kept.reverse()) {
    lengths.unshift(length(d));
    d = d.map((row, i) => row.map((value, j) => value * slope(before[i][j])));
    if (norm) {
      const n = d.length;
      const mean = d[0].map((_, j) => total(d.map((row) => row[j])) / n);
      const along = d[0].map((_, j) => total(d.map((row, i) => row[j] * norm.hat[i][j])) / n);
      d = d.map((row, i) => row.map((value, j) => norm.scale[j] * (value - mean[j] - norm.hat[i][j] * along[j])));
    }
    d = matmul(d, transpose(w));
  }
  return lengths;
}

// The network of a state. Every initialiser uses the same random numbers at its own scale.
const cut = (numbers, height, width, scale = 1) => table(height, width, (r, c) => numbers[r * width + c] * scale);
export function network({ depth, seed }, init) {
  const scale = INITS[init][1];
  return {
    x: cut(normals(seed, BATCH * UNITS), BATCH, UNITS),
    weights: range(depth).map((layer) => cut(normals(seed + 1000 + layer, UNITS * UNITS), UNITS, UNITS, scale)),
    dout: cut(normals(seed + 2000, BATCH * UNITS), BATCH, UNITS, 1 / BATCH),
  };
}
export function lengthsOf(state, init) {
  const { x, weights, dout } = network(state, init);
  return gradientLengths(x, weights, dout, state);
}

// The graph a = w x, z = a + b, y = act(z), s = y + x, L = (s - t)^2: values forward, then gradients backward.
// Each step has a name, the rule, the sum in numbers, and the value.
export function chain({ x, w, b, t, activation }) {
  const [, act, slope] = ACTIVATIONS[activation];
  const a = tidy(w * x);
  const z = tidy(a + b);
  const y = tidy(act(z));
  const s_ = tidy(y + x);
  const loss = tidy((s_ - t) * (s_ - t));
  const ds = tidy(2 * (s_ - t));
  const local = tidy(slope(z));
  const dz = tidy(ds * local);
  const of = factor;
  const times = (left, right) => `${of(left)}\u00b7${of(right)}`;
  const names = { relu: "max(0, z)", tanh: "tanh(z)", sigmoid: "sigmoid(z)", linear: "z" };
  return [
    { name: "a", rule: "w\u00b7x", sum: times(w, x), value: a },
    { name: "z", rule: "a + b", sum: `${of(a)} + ${of(b)}`, value: z },
    { name: "y", rule: names[activation], sum: activation === "relu" ? `max(0, ${full(z)})` : full(y), value: y },
    { name: "s", rule: "y + x", sum: `${of(y)} + ${of(x)}`, value: s_ },
    { name: "L", rule: "(s \u2212 t)\u00b7(s \u2212 t)", sum: `(${of(s_)} \u2212 ${of(t)})\u00b7(${of(s_)} \u2212 ${of(t)})`, value: loss },
    { name: "ds", rule: "2\u00b7(s \u2212 t)", sum: `2\u00b7(${of(s_)} \u2212 ${of(t)})`, value: ds },
    { name: "dy", rule: "ds\u00b71", sum: times(ds, 1), value: ds },
    { name: "dz", rule: "dy\u00b7act\u2032(z)", say: `act\u2032(${short(z)}) is ${short(local)}.`, sum: times(ds, local), value: dz },
    { name: "db", rule: "dz\u00b71", sum: times(dz, 1), value: dz },
    { name: "da", rule: "dz\u00b71", sum: times(dz, 1), value: dz },
    { name: "dw", rule: "da\u00b7x", sum: times(dz, x), value: tidy(dz * x) },
    {
      name: "dx", rule: "da\u00b7w + ds\u00b71", say: "Two ways lead out of x: their gradients add up.",
      sum: `${times(dz, w)} + ${times(ds, 1)}`, value: tidy(dz * w + ds),
    },
  ];
}
// The number of forward steps in `chain`.
export const FORWARD = 5;

// ---------------------------------------------------------------- state

export const VIEWS = { depth: "Through depth", graph: "Chain rule" };
export const DEFAULTS = { view: "depth", init: "he", activation: "relu", batchnorm: false, depth: 12, seed: 0, x: 2, w: 3, b: -4, t: 1, step: 0 };

export function clean(given) {
  const near = (name) => (isNumber(given[name]) ? tidy(given[name]) : DEFAULTS[name]);
  return {
    view: oneOf(given.view, Object.keys(VIEWS), "depth"),
    init: oneOf(given.init, Object.keys(INITS), "he"),
    activation: oneOf(given.activation, Object.keys(ACTIVATIONS), "relu"),
    batchnorm: given.batchnorm === true,
    depth: whole(given.depth, 2, 24, DEFAULTS.depth),
    seed: whole(given.seed, 0, 999, 0),
    x: near("x"), w: near("w"), b: near("b"), t: near("t"),
    step: whole(given.step, 0, 11, 0),
  };
}

// The length of the first layer's gradient divided by that of the last. Both are rounded to four digits before, so that a
// reader can check the division.
const four = (value) => Number(value.toPrecision(4));
export function verdict(lengths) {
  const [first, last] = [lengths[0], lengths.at(-1)].map(four);
  const ratio = first / last;
  const text = !Number.isFinite(ratio) ? "No gradient arrives at all."
    : ratio > 30 ? "The gradient explodes on its way to the first layer."
      : ratio < 1 / 30 ? "The gradient vanishes on its way to the first layer." : "The gradient reaches the first layer at about its own size.";
  return { first, last, ratio: Number.isFinite(ratio) ? Number(ratio.toPrecision(12)) : 0, text };
}

// ---------------------------------------------------------------- the widget

const LOOKS = { one: "b", window: "d", glorot: "c", he: "a" };

export function mount(root, model) {
  const fig = figure(root, model, { label: "Gradient flow", style: TRANSPORT_STYLE + CHART_STYLE + LOOK, defaults: DEFAULTS, clean });
  const set = (name) => (value) => {
    bar.stop();
    fig.set({ [name]: value });
  };
  const options = (all) => Object.entries(all).map(([name, [text]]) => [name, text]);
  const bar = transport({ go: (step) => fig.set({ step }), reset: () => restart(), onplaying: () => draw() });
  const again = button("Reset", () => restart());
  // Reset may change the view and so hide the button that was pressed: the reset button of the other view gets the focus.
  const restart = () => {
    fig.reset();
    (again.hidden ? bar.element.lastElementChild : again).focus();
  };
  const view = choices("View", VIEWS, set("view"));
  const init = choices("Weights start as", Object.fromEntries(options(INITS)), set("init"));
  const activation = select("Activation", options(ACTIVATIONS), set("activation"));
  const batchnorm = check("Batch norm", set("batchnorm"));
  const depth = slider("Layers", { min: 2, max: 24 }, set("depth"));
  const seed = slider("Random numbers", { min: 0, max: 20 }, set("seed"));
  const inputs = Object.fromEntries(["x", "w", "b", "t"].map((name) => [name, number(name, set(name), fig.refuse)]));
  const chart = lineChart();
  const ratio = h("b", { class: "result" });
  const sum = h("div", { class: "sum_", role: "group", "aria-label": "Sum" });
  const drawing = s("svg", { class: "graph", role: "img" });
  const deep = h("div", {}, h("div", { class: "soft" }, "Length of the gradient that arrives at each layer, logarithmic"),
    h("div", {
      class: "canvas", role: "application", tabindex: 0, "aria-label": "Gradient by layer, arrow keys change the number of layers",
    }, chart.element));
  const small = h("div", { class: "canvas", role: "application", tabindex: 0, "aria-label": "Graph of numbers, arrow keys step" }, drawing);
  const fields = h("div", { class: "fields controls" }, Object.values(inputs).map(({ element }) => element));
  const more = settings("Depth and random numbers", depth, seed);
  const foot = h("p", { class: "soft" }, `Every layer: ${UNITS} numbers in, ${UNITS} out, as many as a 3\u00d73 window over `
    + `4 channels; k = 3. One batch of ${BATCH} random examples.`);
  const top = h("div", { class: "top controls" }, view.element, again);
  const switches = h("div", { class: "switches controls" }, activation.element, batchnorm.element);
  fig.element.append(top, init.element, deep, small, sum, fig.note, fig.status, bar.element, switches, fields, more, foot);

  let seen = "";
  let all = {};
  const lengths = () => {
    const { depth: layers, activation: act, batchnorm: norm, seed: random } = fig.state;
    const asked = [layers, act, norm, random].join();
    if (asked !== seen) all = Object.fromEntries(Object.keys(INITS).map((name) => [name, lengthsOf(fig.state, name)]));
    seen = asked;
    return all;
  };

  function draw() {
    const { state } = fig;
    const graph = state.view === "graph";
    view.update(state.view);
    init.update(state.init);
    activation.update(state.activation);
    batchnorm.update(state.batchnorm);
    depth.update(state.depth);
    seed.update(state.seed);
    for (const [name, control] of Object.entries(inputs)) control.update(state[name]);
    for (const part of [small, bar.element, fields]) part.hidden = !graph;
    for (const part of [deep, init.element, again, foot, batchnorm.element, more]) part.hidden = graph;
    bar.update({ step: state.step, count: 12 });
    if (graph) {
      const now = chain(state)[state.step];
      const rounded = short(now.value, 8);
      ratio.textContent = rounded;
      ratio.title = rounded.startsWith("\u2248") ? full(now.value) : "";
      sum.replaceChildren(`${now.name} = ${now.rule} = ${now.sum} ${rounded.startsWith("\u2248") ? "" : "= "}`, ratio);
      const way = state.step < FORWARD ? "Forward: a value from the values before it."
        : `Backward: the gradient that arrives, times the local slope. ${now.say ?? ""}`.trim();
      fig.say(way, `${now.name} = ${now.sum} = ${full(now.value)}.`, bar.playing());
      return;
    }
    const { first, last, ratio: share, text } = verdict(lengths()[state.init]);
    ratio.textContent = short(share, 6);
    ratio.title = full(share);
    sum.replaceChildren(`first layer / last layer = ${full(first)} / ${full(last)} ${ratio.textContent.startsWith("\u2248") ? "" : "= "}`, ratio);
    fig.say(`${INITS[state.init][0]}, ${ACTIVATIONS[state.activation][0] === "none" ? "no activation" : ACTIVATIONS[state.activation][0]}, `
      + `${state.batchnorm ? "with" : "without"} batch norm, ${state.depth} layers. ${text}`,
    `first / last = ${full(first)} / ${full(last)} = ${full(share)}.`);
  }

  function resize() {
    const { state, width } = fig;
    if (state.view === "graph") return drawGraph(drawing, state, chain(state), Math.max(300, width));
    const every = lengths();
    const from = (name) => `${INITS[name][0]}: ${short(every[name].at(-1), 5)} to ${short(every[name][0], 5)}`;
    const powers = Object.values(every).flat().filter((value) => value > 0).map(Math.log10);
    const [low, high] = [Math.min(-2, Math.floor(Math.min(...powers))), Math.max(2, Math.ceil(Math.max(...powers)))];
    const names = Object.keys(INITS).sort((one, other) => Number(one === state.init) - Number(other === state.init));
    const ends = spread(Object.keys(INITS).map((name) => ({ name, at: Math.log10(every[name][0] || 1e-300) })), (high - low) / 13);
    chart.update({
      width: Math.max(280, width), height: fig.narrow ? 260 : 280, right: 84,
      // From the last layer on the left to the first on the right, as the gradient is computed.
      lines: names.map((name) => ({
        xs: range(state.depth), ys: [...every[name]].reverse(),
        look: `${LOOKS[name]} dots ${name === state.init ? "chosen" : "faint"}`,
        end: { text: INITS[name][0], at: ends[name] },
      })),
      x: { low: 0, high: state.depth - 1, name: "backward: from the last layer to the first", whole: true, show: (k) => full(state.depth - k) },
      y: { low, high, log: true },
      said: `Gradient that arrives at each layer, last to first. ${Object.keys(INITS).map(from).join("; ")}.`,
    });
  }

  const move = (rows, columns) => {
    bar.stop();
    if (fig.state.view === "graph") fig.set({ step: clamp(fig.state.step + rows + columns, 11) });
    else fig.set({ depth: Math.max(2, clamp(fig.state.depth + columns - rows, 24)) });
  };
  const go = (end) => (fig.state.view === "graph" ? set("step")(end ? 11 : 0) : set("depth")(end ? 24 : 2));
  return fig.start({ draw, resize, move, go, bar: { toggle: () => fig.state.view === "graph" && bar.toggle(), stop: bar.stop } });
}

// Moves labels apart that would overlap, and gives { name: position }.
export function spread(ends, room) {
  const sorted = [...ends].sort((one, other) => one.at - other.at);
  let before = -Infinity;
  return Object.fromEntries(sorted.map(({ name, at }) => [name, (before = Math.max(at, before + room))]));
}

// Draws the graph, with the value and the gradient of each node as far as they are computed.
function drawGraph(svg, state, steps, width) {
  const wide = width >= 560;
  const height = wide ? 250 : 390;
  const spots = wide
    ? { w: [45, 34], x: [45, 160], b: [305, 34], a: [175, 110], z: [305, 110], y: [420, 110], s: [535, 110], t: [645, 200], L: [645, 110] }
    : { w: [55, 36], x: [295, 36], a: [55, 116], b: [175, 140], z: [55, 196], y: [55, 276], s: [295, 276], t: [175, 356], L: [295, 356] };
  const unit = wide ? width / 690 : width / 350;
  const edges = ["wa", "xa", "az", "bz", "zy", "ys", "xs", "sL", "tL"];
  const given = ["x", "w", "b", "t"];
  const seen = steps.slice(0, state.step + 1);
  const now = steps[state.step];
  const value = (name) => (given.includes(name) ? state[name] : seen.find((step) => step.name === name)?.value);
  const spot = (name) => spots[name].map((part) => part * unit);
  const live = now.name.replace("d", "");
  const feeds = { a: ["wa", "xa"], z: ["az", "bz"], y: ["zy"], s: ["ys", "xs"], L: ["sL", "tL"] };
  const back = { ds: ["sL"], dy: ["ys"], dz: ["zy"], db: ["bz"], da: ["az"], dw: ["wa"], dx: ["xa", "xs"] };
  const lit = state.step < FORWARD ? feeds[now.name] : back[now.name];
  svg.setAttribute("viewBox", `0 0 ${width} ${height * unit}`);
  svg.style.width = `${width}px`;
  const there = Object.keys(spots).filter((name) => value(name) !== undefined);
  svg.ariaLabel = `Graph: ${there.map((name) => `${name} = ${full(value(name))}`).join(", ")}`;
  svg.replaceChildren(
    ...edges.map((edge) => {
      const [[x1, y1], [x2, y2]] = [spot(edge[0]), spot(edge[1])];
      const around = wide && edge === "xs" ? `M${x1} ${y1}C${x1 + 160} ${y1 + 90} ${x2 - 90} ${y2 + 130} ${x2} ${y2}` : `M${x1} ${y1}L${x2} ${y2}`;
      return s("path", { class: `edge ${lit.includes(edge) ? (state.step < FORWARD ? "on" : "on back") : ""}`, d: around });
    }),
    ...Object.keys(spots).map((name) => {
      const [cx, cy] = spot(name);
      const shown = value(name);
      const grad = seen.find((step) => step.name === `d${name}`)?.value;
      const mine = live === name;
      return s("g", {}, s("rect", { class: `node ${mine ? "on" : ""}`, x: cx - 38, y: cy - 27, width: 76, height: 54, rx: 7 }),
        s("text", { class: "value", x: cx, y: cy - 7, "text-anchor": "middle" }, `${name} ${shown === undefined ? "" : `= ${short(shown, 4)}`}`),
        s("text", { class: "grad", x: cx, y: cy + 15, "text-anchor": "middle" }, grad === undefined ? "" : `d${name} = ${short(grad, 3)}`));
    }));
}

const LOOK = `
.faint.line { stroke-width: 1.5; } circle.faint { r: 2.2; }
.chosen.line { stroke-width: 3.5; } circle.chosen { r: 4; }
.end { font-size: 13px !important; }
.canvas { width: fit-content; max-width: 100%; }
.sum_ { margin-top: .5rem; text-align: center; }
.result { padding: 1px .5em; border: 3px solid var(--link); border-radius: 4px; font-size: 17px; white-space: nowrap; }
.fields { margin-top: .6rem; grid-template-columns: repeat(4, minmax(0, 1fr)); }
.settings .fields { grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); }
.field .text { max-width: 8em; }
.top { display: flex; flex-wrap: wrap; gap: 0 .6rem; align-items: start; justify-content: space-between; }
.top .views { flex: 1 1 auto; }
.switches { display: flex; gap: .5rem 1.2rem; align-items: end; margin-top: .6rem; }
.switches .field { min-width: 150px; }
.graph { display: block; max-width: 100%; height: auto; }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.5; }
.edge.on { stroke: var(--link); stroke-width: 4; } .edge.back { stroke: var(--weight); stroke-dasharray: 8 4; }
.node { fill: var(--paper); stroke: var(--edge); } .node.on { stroke: var(--link); stroke-width: 3; }
.value { fill: var(--ink); font-size: 15px; font-weight: 600; } .grad { fill: var(--weight); font-size: 14px; font-weight: 600; }
@media (forced-colors: active) {
  .edge, .node { stroke: CanvasText; } .edge.on, .node.on { stroke: Highlight; }
  .value, .grad { fill: CanvasText; } .node { fill: Canvas; }
}
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("gradient-flow", mount);

export default { render };
