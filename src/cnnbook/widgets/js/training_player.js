// training-player: a recorded training run, or two, step by step. The maths first, then the widget.

import { CHART_STYLE, lineChart, sample } from "./chart.js";
import { choices, h, pixelMap } from "./elements.js";
import { defineElement, figure } from "./figure.js";
import { clamp, factor, full, oneOf, range, short, table, total } from "./numbers.js";
import { transport, TRANSPORT_STYLE } from "./transport.js";

// ---------------------------------------------------------------- maths (pure)

const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
const isFinite_ = (value) => typeof value === "number" && Number.isFinite(value);

// A packed array as a flat list of numbers: `unpack_letters` of results/packing.py.
export const unpack = ({ low, high, levels, data }) => [...data].map((sign) => low + ((high - low) * SIGNS.indexOf(sign)) / (levels - 1));

// A packed array as a list of maps: its last two axes are the rows and columns, all others are flattened.
export function planes(packed) {
  const [height, width] = packed.shape.slice(-2);
  const numbers = unpack(packed);
  return range(numbers.length / (height * width)).map((k) => table(height, width, (r, c) => numbers[(k * height + r) * width + c]));
}

// The index of the last value in a rising list that is at most `step`, or -1.
export const lastAt = (steps, step) => steps.findLastIndex((value) => value <= step);

// The values of a run at a step: the last ones recorded up to it.
export function valuesAt(run, step) {
  const now = lastAt(run.steps.step, step);
  const epoch = lastAt(run.epochs.step, step);
  const pick = (series, index, name) => (index < 0 ? null : series[name]?.[index] ?? null);
  return {
    loss: pick(run.steps, now, "loss"), accuracy: pick(run.steps, now, "accuracy"), epoch: epoch + 1,
    val_loss: pick(run.epochs, epoch, "val_loss"), val_accuracy: pick(run.epochs, epoch, "val_accuracy"),
    norms: now < 0 ? [] : run.norms.map((values) => values[now]),
    snapshot: run.snapshots[lastAt(run.snapshots.map(({ step: at }) => at), step)] ?? null,
  };
}

// The steps at which the scrubber stops: every snapshot, every epoch, and about `most` of the recorded steps, evenly spaced.
export function positions(runs, most = 60) {
  const certain = runs.flatMap(({ snapshots, epochs }) => [...snapshots.map(({ step }) => step), ...epochs.step]);
  const rest = [...new Set(runs.flatMap(({ steps }) => steps.step))].sort((a, b) => a - b);
  const every = Math.ceil(rest.length / most) || 1;
  return [...new Set([...certain, ...rest.filter((_, index) => index % every === 0 || index === rest.length - 1)])].sort((a, b) => a - b);
}

// How many predictions are right, of how many, and which pair of classes is confused most. Rows are the true classes.
export function readConfusion(rows) {
  let worst = { count: 0, truth: 0, guess: 0 };
  rows.forEach((row, truth) => row.forEach((count, guess) => {
    if (truth !== guess && count > worst.count) worst = { count, truth, guess };
  }));
  return { right: total(rows.map((row, k) => row[k])), all: total(rows.flat()), worst };
}

// The position of a norm on the logarithmic scale from `low` to `high`, as 0.03 to 1. It is 0 if the norm is not positive.
export const place = (value, low, high) => (value > 0 ? 0.03 + 0.97 * (Math.log(value / low) / (Math.log(high / low) || 1)) : 0);

export function normRange(runs) {
  const all = runs.flatMap(({ norms }) => norms.flat()).filter((value) => value > 0);
  return all.length ? [Math.min(...all), Math.max(...all)] : [1, 1];
}

// ---------------------------------------------------------------- state

export const VIEWS = { all: "All", maps: "Feature maps", kernels: "Kernels", gradients: "Gradients", confusion: "Confusion" };
export const DEFAULTS = { runs: [], step: null, view: "all" };

const known = new WeakMap();
const rises = (steps) => steps.every((step, index) => isFinite_(step) && step >= 0 && (!index || step > steps[index - 1]));
const isSeries = (series) => Array.isArray(series?.step) && rises(series.step)
  && Object.values(series).every((values) => Array.isArray(values) && values.length === series.step.length && values.every(isFinite_));
const isPacked = (packed, rank) => packed === undefined || (packed?.shape?.length === rank && packed.low < packed.high && packed.levels > 1
  && packed.data?.length === packed.shape.reduce((a, b) => a * b, 1) && [...packed.data].every((sign) => SIGNS.includes(sign)));

export function isRun(run) {
  if (run?.format !== "cnnbook run" || run.version !== 1) return false;
  if (!known.has(run)) {
    known.set(run, [run.steps, run.epochs].every(isSeries) && [run.layers, run.norms, run.snapshots, run.classes].every(Array.isArray)
      && run.norms.length === run.layers.length && run.norms.every((values) => values?.length === run.steps.step.length)
      && rises(run.snapshots.map((shot) => shot?.step)) && isPacked(run.images, 3)
      && run.snapshots.every(({ kernels, maps, confusion = [] }) => isPacked(kernels, 3) && isPacked(maps, 4) && Array.isArray(confusion)
        && confusion.every((row) => row?.length === confusion.length && row.every((count) => isFinite_(count) && count >= 0))));
  }
  return known.get(run);
}

// Turns what a link, an attribute or Python gives into a state that can be drawn. Replaces every value that cannot.
// A step of null is the last one, also when more are recorded.
export function clean(given) {
  const runs = Array.isArray(given.runs) ? given.runs.filter(isRun).slice(0, 2) : [];
  const stops = positions(runs);
  const step = isFinite_(given.step) && stops.length ? stops[Math.max(0, lastAt(stops, given.step))] : null;
  return {
    runs: Array.isArray(given.runs) && runs.length === given.runs.length ? given.runs : runs,
    step: step === stops.at(-1) ? null : step,
    view: oneOf(given.view, Object.keys(VIEWS), "all"),
  };
}

// ---------------------------------------------------------------- what one step says

const digits = (value) => (value === null ? "" : full(Number(value.toPrecision(4))));
const gap = (a, b) => full(Number((a - b).toFixed(12)));
const pair = (a, b) => `${factor(a)} \u2212 ${factor(b)}`;

// For two runs, which has the higher value, and for one, how its loss changed; both as a difference that a reader can check.
export function verdict(runs, step) {
  const [now, other] = runs.map((run) => valuesAt(run, step));
  if (!now || now.loss === null) return { text: "Nothing was recorded here.", sum: "", shown: "" };
  if (!other) {
    const first = runs[0].steps.loss[0];
    const fell = first >= now.loss;
    const [a, b] = fell ? [first, now.loss] : [now.loss, first];
    const text = `The training loss is ${fell ? "lower" : "higher"} than in the first step:`;
    return { text, sum: `${pair(a, b)} = ${gap(a, b)}`, shown: gap(a, b) };
  }
  const names = [["val_accuracy", "validation accuracy"], ["val_loss", "validation loss"], ["loss", "training loss"]];
  const [key, name] = names.find(([at]) => isFinite_(now[at]) && isFinite_(other[at])) ?? [];
  if (!key) return { text: "Only one of the runs recorded this step.", sum: "", shown: "" };
  if (now[key] === other[key]) return { text: `Both runs have the same ${name}:`, sum: `${pair(now[key], now[key])} = 0`, shown: "0" };
  const high = now[key] > other[key] ? 0 : 1;
  const [a, b] = [now, other].map((values) => values[key]).sort((x, y) => y - x);
  return { text: `\u201c${runs[high].title}\u201d has the higher ${name}:`, sum: `${pair(a, b)} = ${gap(a, b)}`, shown: gap(a, b) };
}

// ---------------------------------------------------------------- the widget

export function mount(root, model) {
  const fig = figure(root, model, { label: "Training, step by step", style: TRANSPORT_STYLE + CHART_STYLE + LOOK, defaults: DEFAULTS, clean });
  const last = () => stops.at(-1) ?? 0;
  const at = () => fig.state.step ?? last();
  const index = () => Math.max(0, stops.indexOf(at()));
  const go = (to) => fig.set({ step: stops[clamp(to, stops.length - 1)] ?? null });
  const user = (to) => {
    bar.stop();
    go(to);
  };
  let stops = positions(fig.state.runs);
  const pick = (x) => user(Math.max(0, lastAt(stops, x)));
  const bar = transport({ go, reset: fig.reset, onplaying: () => draw() });
  const charts = { loss: lineChart(pick), accuracy: lineChart(pick) };
  const places = Object.fromEntries(Object.entries({ loss: "Loss", accuracy: "Accuracy" })
    .map(([name, title]) => [name, h("div", {}, h("b", {}, title), charts[name].element)]));
  const key = h("div", { class: "legend soft" });
  const readout = h("tbody");
  const numbers = h("table", { class: "readout" },
    h("caption", { class: "unseen" }, "The numbers at this step"),
    h("thead", {}, h("tr", {}, ["Run", "loss", "accuracy", "val. loss", "val. acc."].map((name) => h("th", { scope: "col" }, name)))), readout);
  const result = h("b", { class: "result" });
  const equation = h("span");
  const views = choices("Show", VIEWS, (view) => fig.set({ view }));
  const blocks = Object.fromEntries(Object.entries({ maps: mapsBlock, kernels: kernelsBlock, gradients: gradientsBlock, confusion: confusionBlock })
    .map(([name, block]) => [name, { body: h("div", { class: "runs" }), block, done: "" }]));
  for (const [name, part] of Object.entries(blocks)) part.element = h("section", {}, h("div", { class: "what" }, VIEWS[name]), part.body);
  const blocks_ = h("div", { class: "blocks" }, Object.values(blocks).map(({ element }) => element));
  const all = h("div", {},
    h("div", { class: "charts", role: "application", tabindex: 0, "aria-label": "Curves, arrow keys move the step" },
      places.loss, places.accuracy),
    key, bar.element,
    h("div", { class: "numbers", role: "group", "aria-label": "Numbers" }, numbers),
    h("div", { role: "group", "aria-label": "Sum" }, fig.note), views.element,
    blocks_);
  const none = h("p", {}, "Nothing is recorded yet. In a live notebook, ",
    "fit(..., callbacks=[player.recorder(\"My run\")]) draws here while it trains.");
  fig.note.classList.add("verdict");
  fig.element.append(none, all, fig.status);

  function draw() {
    const { runs, view } = fig.state;
    stops = positions(runs);
    none.hidden = runs.length > 0;
    all.hidden = !runs.length;
    if (!runs.length) return fig.say("Nothing is recorded yet.");
    const step = at();
    const now = runs.map((run) => valuesAt(run, step));
    const two = runs.length > 1;
    blocks_.classList.toggle("two", two);
    key.replaceChildren(...runs.map((run, k) => h("span", {}, sample(`${"ab"[k]} dots`), run.title)),
      h("span", {}, "thin: training, each step; dots: validation, each epoch"));
    readout.replaceChildren(...runs.map((run, k) => h("tr", { class: "ab"[k] }, h("th", { scope: "row" }, sample(`${"ab"[k]}`), run.title),
      ["loss", "accuracy", "val_loss", "val_accuracy"].map((name) => h("td", {}, digits(now[k][name]) || "\u2013")))));
    views.update(view);
    bar.update({ step: index(), count: Math.max(1, stops.length), said: `step ${step} of ${last()}` });
    for (const [name, part] of Object.entries(blocks)) {
      part.element.hidden = view !== "all" && view !== name;
      const seen = now.map((values) => (name === "gradients" ? values.norms : values.snapshot?.step));
      const shots = JSON.stringify([runs.map(({ title }) => title), seen, last()]);
      if (part.element.hidden || part.done === shots) continue;
      part.done = shots;
      part.body.replaceChildren(...runs.map((run, k) => h("div", { class: `run ${"ab"[k]}` },
        two ? h("div", { class: "title" }, sample("ab"[k]), run.title) : "", ...part.block(run, now[k], step, runs))));
    }
    const { text, sum, shown } = verdict(runs, step);
    equation.textContent = ` ${sum.slice(0, sum.lastIndexOf("=") + 1)} `;
    result.textContent = shown;
    const epochs = Math.max(...now.map(({ epoch }) => epoch));
    const after = epochs ? `after ${epochs} epoch${epochs > 1 ? "s" : ""}` : "in the first epoch";
    fig.say(`Step ${step} of ${last()}, ${after}. ${text}`, sum ? `gap = ${sum}.` : "", bar.playing());
    if (shown) fig.note.append(equation, result);
  }

  const ends = (values) => [values?.[0], values?.at(-1)].map((value) => digits(value ?? null)).join(" to ");

  function resize() {
    const width = Math.max(240, fig.narrow ? fig.width : (fig.width - 24) / 2);
    Object.keys(charts).forEach((name) => drawChart(name, fig.state.runs, at(), width));
  }

  function drawChart(name, runs, step, width) {
    const lines = runs.flatMap((run, k) => [
      { xs: run.steps.step, ys: run.steps[name] ?? [], look: `${"ab"[k]} thin` },
      { xs: run.epochs.step, ys: run.epochs[`val_${name}`] ?? [], look: `${"ab"[k]} dots` }].filter(({ ys }) => ys.length));
    places[name].hidden = !lines.length;
    const ys = lines.flatMap((line) => line.ys);
    const high = name === "accuracy" ? 1 : Math.max(...ys) * 1.05 || 1;
    charts[name].update({
      lines, cursor: step, width, x: { low: 0, high: last() || 1, name: "step", whole: true }, y: { low: 0, high },
      said: `${name} by step: ${runs.map((run) => `${run.title}, ${ends(run.steps[name])}`).join("; ")}`,
    });
  }

  return fig.start({ draw, resize, bar, move: (rows, columns) => user(index() + rows + columns), go: user });
}

const when = ({ step }) => `after ${step} update${step === 1 ? "" : "s"}`;
const missing = () => [h("p", { class: "soft" }, "Not recorded.")];
const gallery = (label, maps, top, side) => {
  const inner = h("div", { class: "gallery", "aria-hidden": "true", style: `--side:${side}px` }, maps.map((rows) => {
    const map = pixelMap("");
    map.update(rows, top, "");
    return map.element;
  }));
  return h("div", { role: "img", "aria-label": label }, inner);
};
const foot = ({ high }, snapshot) => h("div", { class: "foot" }, full(-high), h("span", { class: "scale" }), `${full(high)}, ${when(snapshot)}`);

function kernelsBlock(run, { snapshot }) {
  if (!snapshot?.kernels) return missing();
  const [count, height, width] = snapshot.kernels.shape;
  const most = snapshot.kernels.high;
  const said = `${count} kernels of ${height} by ${width}, largest weight ${most}`;
  return [gallery(said, planes(snapshot.kernels), most, 32), foot(snapshot.kernels, snapshot)];
}

function mapsBlock(run, { snapshot }) {
  if (!snapshot?.maps) return missing();
  const [images, filters] = snapshot.maps.shape;
  const maps = planes(snapshot.maps);
  const seen = run.images ? planes(run.images) : [];
  return [...range(images).map((k) => h("div", { class: "pair" },
    seen[k] ? gallery(`image ${k}`, [seen[k]], run.images.high, 56) : "",
    gallery(`its ${filters} feature maps in the first convolution`, maps.slice(k * filters, (k + 1) * filters), snapshot.maps.high, 34))),
  foot(snapshot.maps, snapshot)];
}

function gradientsBlock(run, { norms }, step, runs) {
  if (!norms.length) return missing();
  const [low, high] = normRange(runs);
  const bar = (value) => h("td", { class: "bar" }, h("i", { style: `width:${(100 * place(value, low, high)).toFixed(1)}%` }));
  return [h("table", { class: "bars" },
    h("caption", { class: "soft" }, "length of each layer\u2019s gradient, logarithmic"),
    h("tbody", {}, run.layers.map((name, k) => h("tr", {}, h("th", { scope: "row" }, name), bar(norms[k]),
      h("td", {}, norms[k] === null ? "not finite" : short(norms[k], 5))))))];
}

function confusionBlock(run, { snapshot }) {
  if (!snapshot?.confusion?.length) return missing();
  const { right, all, worst } = readConfusion(snapshot.confusion);
  const name = (k) => run.classes[k] ?? `class ${k}`;
  const map = pixelMap("");
  const top = Math.max(...snapshot.confusion.map((row) => total(row)), 1);
  const mixed = `; most often, ${worst.count} times, ${name(worst.truth)} is taken for ${name(worst.guess)}`;
  const said = `Blue is right, orange wrong: ${right} of ${all} are right${worst.count ? mixed : ""}`;
  map.update(snapshot.confusion.map((row, r) => row.map((count, c) => (r === c ? count : -count))), top, `Confusion matrix: ${said}`);
  return [
    h("div", { class: "matrix" },
      h("span", { class: "soft side" }, "true class"), map.element, h("span", { class: "soft" }, "predicted class")),
    h("p", { class: "soft" }, `${said}, ${when(snapshot)}.`),
  ];
}

const LOOK = `
.charts { display: flex; flex-wrap: wrap; gap: .4rem 24px; }
.readout { border-collapse: collapse; margin: .4rem auto 0; }
.readout th, .readout td { padding: 2px .55em; text-align: right; font-weight: 400; white-space: nowrap; }
.readout thead th { color: var(--soft); font-size: 13px; }
.readout tr > :first-child { padding-left: 0; text-align: left; white-space: normal; }
.readout td { font-weight: 600; }
.numbers { max-width: 100%; overflow-x: auto; }
.result { padding: 0 .4em; border: 2px solid var(--link); border-radius: 4px; color: var(--ink); }
.verdict { text-align: center; }
.views { margin-top: .8rem; flex-wrap: wrap; row-gap: 4px; }
.blocks, .two .runs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); gap: .9rem 1.4rem; }
.blocks.two { grid-template-columns: 1fr; }
.what { margin-bottom: .3rem; font-weight: 600; }
.title { margin-bottom: 3px; font-size: 14px; }
.gallery { display: flex; flex-wrap: wrap; gap: 4px; }
.gallery svg { width: var(--side); height: auto; }
.pair { display: flex; align-items: flex-start; gap: 8px; margin-bottom: 6px; }
.pair > :last-child { max-width: 152px; }
.foot { min-height: 0; margin-top: 2px; }
.bars { width: 100%; border-collapse: collapse; }
.bars caption { text-align: left; }
.bars th { padding: 1px .6em 1px 0; font-weight: 400; font-size: 13px; text-align: left; white-space: nowrap; }
.bars td { padding: 1px 0 1px .5em; font-size: 13px; text-align: right; white-space: nowrap; }
.bars td.bar { width: 60%; padding: 1px 0; }
.bar i { display: block; height: 13px; background: var(--c); border-radius: 2px; }
.b .bar i { background: repeating-linear-gradient(90deg, var(--c) 0 6px, var(--paper) 6px 8px); }
.matrix { display: grid; grid-template-columns: auto 168px; gap: 2px 4px; width: max-content; text-align: center; }
.matrix > :last-child { grid-column: 2; }
.side { writing-mode: vertical-rl; rotate: 180deg; }
@media (forced-colors: active) { .bar i { background: CanvasText !important; forced-color-adjust: none; } }
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("training-player", mount);

export default { render };
