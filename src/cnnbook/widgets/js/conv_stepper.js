// conv-stepper: one convolution, one window at a time. Its maths and its grids are in conv_stepper_maths.js
// and conv_stepper_stages.js.

import { button, check, choices, h, select, settings } from "./elements.js";
import { defineElement, figure } from "./figure.js";
import { GRID_STYLE } from "./grid.js";
import { clamp, full, parseNumber, range, short } from "./numbers.js";
import { transport, TRANSPORT_STYLE } from "./transport.js";
import { formulaBlock, scaleLegend, tintScale, WINDOW_STYLE } from "./window.js";
import {
  clean, DEFAULTS, fits, geometry, imagePlane, IMAGES, isStacked, kernelPlane, KERNELS, MODES, PADDINGS, scene,
  stack, sumOf, sumSentence, VIEWS,
} from "./conv_stepper_maths.js";
import { backwardStage, channelsStage, forwardStage, productBlock } from "./conv_stepper_stages.js";

export function mount(root, model) {
  const fig = figure(root, model, {
    label: "Convolution, step by step", style: GRID_STYLE + TRANSPORT_STYLE + WINDOW_STYLE + LOOK, defaults: DEFAULTS, clean });
  const known = new Set();
  let seen = signature();
  let now;

  // `known` holds the answered questions. A step to another window keeps them, a changed number or setting clears them.
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

  // Cells of later steps stay empty. In print there are no steps, so all cells are filled.
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

// What the status line says about a step besides its sum.
function remark(state, { where, shape }) {
  if (state.view === "channels") return `${where} ${state.image[0][0].length} channels are added, then the bias.`;
  if (state.view !== "backward" || state.target !== "pixel" || state.stride > 1) return where;
  return `${where} On dout the weights lie flipped.`;
}

function shades(state, now) {
  if (state.view !== "backward") return tintScale(now.result, state.image, state.kernel);
  return tintScale(now.result, now.dout, now.kernel, state.target === "weight" ? now.image : []);
}

function sumBlock({ check, show, next }) {
  const lines = h("tbody");
  const result = h("div", { class: "result", "aria-hidden": "true" });
  const onkeydown = (event) => {
    if (event.key !== "Enter") return;
    // Otherwise the same key press would also press the button that gets the focus.
    event.preventDefault();
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
      // A sum wider than the figure takes the focus, so that the arrow keys can scroll it.
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
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

// One group of terms as table rows of at most `width` terms each. The last row ends with the sum of the group.
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
