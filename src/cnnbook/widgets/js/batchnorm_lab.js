// batchnorm-lab: one channel's numbers before and after batch normalisation, batch after batch. The maths first.

import { normals } from "./chance.js";
import { CHART_STYLE, lineChart, sample, ticks } from "./chart.js";
import { choices, h, s, select, settings, slider } from "./elements.js";
import { defineElement, figure } from "./figure.js";
import { clamp, factor, full, isNumber, oneOf, range, short, tidy, total, whole } from "./numbers.js";
import { transport, TRANSPORT_STYLE } from "./transport.js";

// ---------------------------------------------------------------- maths (pure)

export const EPSILON = 0.001;
export const BATCHES = 40;
export const SIZES = [2, 4, 8, 16, 32, 64];
export const DRIFTS = { still: "stay", drift: "drift, +1 a batch", jump: "jump after batch 20" };

export function statistics(values) {
  const mean = total(values) / values.length;
  return { mean, variance: total(values.map((value) => (value - mean) ** 2)) / values.length };
}

export const shift = (drift, step) => (drift === "drift" ? step : drift === "jump" && step >= 20 ? 15 : 0);

// The values of one batch, rounded to integers. The random numbers depend only on seed and step, not on the other settings.
export function batch({ batch_size, mean, std, drift, seed }, step) {
  const centre = mean + shift(drift, step);
  return normals(100 * seed + step, batch_size).map((value) => Math.floor(centre + std * value + 0.5));
}

export function normalise(values, { mean, variance }, gamma, beta) {
  const scale = Math.sqrt(variance + EPSILON);
  return values.map((value) => (gamma * (value - mean)) / scale + beta);
}

// The statistics of every batch up to `step`, and the moving statistics after each batch:
// moving = momentum * moving + (1 - momentum) * own.
export function run(state, step) {
  let moving = { mean: 0, variance: 1 };
  return range(step + 1).map((index) => {
    const own = statistics(batch(state, index));
    const keep = (name) => state.momentum * moving[name] + (1 - state.momentum) * own[name];
    moving = { mean: keep("mean"), variance: keep("variance") };
    return { own, moving };
  });
}

// Everything one step shows.
export function scene(state) {
  const values = batch(state, state.step);
  const past = run(state, state.step);
  const { own, moving } = past.at(-1);
  const used = state.mode === "training" ? own : moving;
  const out = normalise(values, used, state.gamma, state.beta);
  return { values, past, own, moving, used, out, after: statistics(out), std: Math.sqrt(used.variance + EPSILON) };
}

// Counts the values in each of `bins` equal intervals from low to high. A value outside counts in the nearest interval.
export function histogram(values, low, high, bins) {
  const counts = range(bins).map(() => 0);
  for (const value of values) counts[clamp(Math.floor(((value - low) / (high - low)) * bins), bins - 1)] += 1;
  return counts;
}

// ---------------------------------------------------------------- state

export const MODES = { training: "Training", inference: "Inference" };
export const MOMENTA = [0.5, 0.9, 0.99];
export const DEFAULTS = { mode: "training", batch_size: 32, gamma: 1, beta: 0, mean: 10, std: 6, drift: "still", momentum: 0.9, step: 0, seed: 0 };

export function clean(given) {
  const near = (name, low, high) => (isNumber(given[name]) && given[name] >= low && given[name] <= high ? tidy(given[name]) : DEFAULTS[name]);
  return {
    mode: oneOf(given.mode, Object.keys(MODES), "training"),
    batch_size: oneOf(given.batch_size, SIZES, 32),
    gamma: near("gamma", -3, 3), beta: near("beta", -5, 5), mean: near("mean", -30, 30), std: near("std", 0, 15),
    drift: oneOf(given.drift, Object.keys(DRIFTS), "still"),
    momentum: near("momentum", 0, 1),
    step: whole(given.step, 0, BATCHES - 1, 0), seed: whole(given.seed, 0, 999, 0),
  };
}

// ---------------------------------------------------------------- the widget

const six = (value) => Number(value.toPrecision(6)) || 0;
const three = (value) => full(Number(value.toFixed(2)));
const told = ({ mean, variance }) => `mean ${three(mean)}, spread ${three(Math.sqrt(variance))}`;

export function mount(root, model) {
  const fig = figure(root, model, { label: "Batch normalisation", style: TRANSPORT_STYLE + CHART_STYLE + LOOK, defaults: DEFAULTS, clean });
  const set = (name) => (value) => {
    bar.stop();
    fig.set({ [name]: value });
  };
  const go = (step) => fig.set({ step: clamp(step, BATCHES - 1) });
  const bar = transport({ go, reset: fig.reset, onplaying: () => draw() });
  const mode = choices("Statistics", MODES, set("mode"));
  const size = select("Batch size", SIZES.map((n) => [n, n]), (n) => set("batch_size")(Number(n)));
  const drift = select("The inputs", Object.entries(DRIFTS), set("drift"));
  const momentum = select("Momentum", MOMENTA.map((m) => [m, m]), (m) => set("momentum")(Number(m)));
  const sliders = {
    gamma: slider("gamma", { min: -3, max: 3, step: 0.25 }, set("gamma")), beta: slider("beta", { min: -5, max: 5, step: 0.25 }, set("beta")),
    mean: slider("Centre of the inputs", { min: -30, max: 30 }, set("mean")), std: slider("Spread of the inputs", { min: 0, max: 15 }, set("std")),
  };
  const before = histogramBlock("Before");
  const after = histogramBlock("After");
  const charts = { mean: lineChart(), std: lineChart() };
  const key = h("div", { class: "legend soft" }, h("span", {}, sample("b dots"), "of the batch"), h("span", {}, sample("a"), "moving"));
  const sum = h("div", { class: "sum_", role: "group", "aria-label": "Sum" });
  const result = h("b", { class: "result" });
  fig.element.append(mode.element,
    h("div", { class: "pair_", role: "application", tabindex: 0, "aria-label": "Histograms, arrow keys go to other batches" },
      before.element, after.element),
    sum, fig.note, fig.status, bar.element,
    h("div", { class: "fields controls" }, size.element, drift.element, sliders.gamma.element, sliders.beta.element),
    settings("Inputs and momentum", sliders.mean, sliders.std, momentum),
    h("div", { class: "pair_" }, h("div", {}, h("b", {}, "Mean, batch by batch"), charts.mean.element),
      h("div", {}, h("b", {}, "Spread, batch by batch"), charts.std.element)), key);

  let now = scene(fig.state);

  function draw() {
    const { state } = fig;
    now = scene(state);
    mode.update(state.mode);
    size.update(state.batch_size);
    drift.update(state.drift);
    momentum.update(state.momentum);
    for (const [name, control] of Object.entries(sliders)) control.update(state[name]);
    bar.update({ step: state.step, count: BATCHES, said: `batch ${state.step + 1} of ${BATCHES}` });
    const { values, used, out, std, after: ends } = now;
    const terms = (mean, spread) => `${factor(state.gamma)}\u00b7(${full(values[0])} \u2212 ${factor(mean)}) / `
      + `${full(spread)} + ${factor(state.beta)}`;
    result.textContent = short(out[0], 6);
    result.title = full(out[0]);
    sum.replaceChildren(h("span", { class: "soft" }, "gamma\u00b7(x \u2212 mean) / \u221a(variance + \u03b5) + beta, for the first value: "),
      h("span", {}, `${terms(six(used.mean), six(std))} ${result.textContent.startsWith("\u2248") ? "" : "= "}`), result);
    const come = `the outputs have ${told(ends)}`.replace(",", " and");
    const training = `The batch\u2019s own statistics: ${come}, whatever came in.`;
    const inference = `The moving statistics after ${state.step + 1} batch${state.step ? "es" : ""}: ${come}.`;
    fig.say(state.mode === "training" ? training : inference, `out[0] = ${terms(used.mean, std)} = ${full(out[0])}.`, bar.playing());
  }

  function resize() {
    const { state, width } = fig;
    const each = Math.max(240, fig.narrow ? width : (width - 24) / 2);
    const far = shift(state.drift, BATCHES - 1);
    const reach = Math.max(6, 3.5 * state.std);
    const [low, high] = [Math.min(0, Math.floor(state.mean - reach)), Math.max(0, Math.ceil(state.mean + far + reach))];
    const edge = Math.max(4, Math.ceil(Math.max(...now.out.map(Math.abs))));
    const [look, text] = state.mode === "training" ? ["b", "batch mean"] : ["a", "moving mean"];
    before.update(now.values, { low, high, width: each, marks: [{ at: now.used.mean, look, text }], head: told(now.own) });
    after.update(now.out, { low: -edge, high: edge, width: each, marks: [{ at: state.beta, look: "d", text: "beta" }], head: told(now.after) });
    const xs = range(state.step + 1).map((k) => k + 1);
    for (const [name, of] of [["mean", ({ mean }) => mean], ["std", ({ variance }) => Math.sqrt(variance)]]) {
      const own = now.past.map((each_) => of(each_.own));
      const moving = now.past.map((each_) => of(each_.moving));
      const top = name === "mean" ? high : Math.max(4, 2 * state.std);
      charts[name].update({
        width: each, height: 150, cursor: state.step + 1, x: { low: 1, high: BATCHES, name: "batch", whole: true },
        y: { low: name === "mean" ? low : 0, high: Math.max(top, ...own, ...moving) },
        lines: [{ xs, ys: own, look: "b thin dots" }, { xs, ys: moving, look: "a" }],
        said: `${name === "mean" ? "Mean" : "Spread"} of the batch ${three(own.at(-1))}, moving ${three(moving.at(-1))}`,
      });
    }
  }

  const user = (step) => {
    bar.stop();
    go(step);
  };
  return fig.start({ draw, resize, bar, go: user, move: (rows, columns) => user(fig.state.step + rows + columns) });
}

function histogramBlock(title) {
  const svg = s("svg", { class: "chart", role: "img" });
  const head = h("span", { class: "soft" });
  return {
    element: h("div", {}, h("div", {}, h("b", {}, title), " ", head), svg),
    update(values, { low, high, width, marks, head: said }) {
      const height = 150;
      const [left, right, bottom] = [8, width - 8, height - 22];
      const bins = Math.min(32, high - low > 12 ? 26 : 24);
      const counts = histogram(values, low, high, bins);
      const top = Math.max(3, ...counts);
      const px = (value) => left + ((value - low) / (high - low)) * (right - left);
      const wide = (right - left) / bins;
      head.textContent = said;
      svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
      svg.style.width = `${width}px`;
      svg.ariaLabel = `${title}: ${values.length} values, ${said}`;
      svg.replaceChildren(
        s("path", { class: "rule", d: ticks(low, high, 6).map((value) => `M${px(value).toFixed(1)} 16V${bottom}`).join("") }),
        ...counts.flatMap((count, k) => {
          const tall = ((bottom - 22) * count) / top;
          return count ? [s("rect", { class: "bin", x: left + k * wide + 0.5, width: wide - 1, y: bottom - tall, height: tall })] : [];
        }),
        s("path", { class: "axis", d: `M${left} ${bottom}H${right}` }),
        ...ticks(low, high, 6).map((value) => s("text", { x: px(value), y: height - 6, "text-anchor": "middle" }, full(value))),
        ...marks.flatMap(({ at, look, text }) => [
          s("path", { class: `line ${look}`, d: `M${px(at).toFixed(1)} 16V${bottom}` }),
          s("text", { class: `end ${look}`, x: Math.max(left + 34, Math.min(right - 40, px(at))), y: 12, "text-anchor": "middle" }, text)]));
    },
  };
}

const LOOK = `
.pair_ { display: flex; flex-wrap: wrap; gap: .6rem 24px; }
.bin { fill: color-mix(in srgb, var(--c3) 55%, var(--paper)); stroke: var(--c3); }
.sum_ { margin-top: .4rem; text-align: center; }
.sum_ .soft { display: block; }
.result { padding: 1px .5em; border: 3px solid var(--link); border-radius: 4px; font-size: 17px; white-space: nowrap; }
.fields { margin-top: .6rem; }
.settings { margin-bottom: .8rem; }
.sample.thin { stroke-width: 1; }
@media (forced-colors: active) { .bin { fill: CanvasText; forced-color-adjust: none; } }
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("batchnorm-lab", mount);

export default { render };
