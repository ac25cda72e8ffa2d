// dense-unit: an image times a template, summed, passed through an activation. The maths first, then the widget.

import { button, check, choices, h, number, pixelMap, s, select, settings } from "./elements.js";
import { defineElement, figure } from "./figure.js";
import { clamp, factor, full, isBox, isNumber, oneOf, range, short, table, tidy, total, whole } from "./numbers.js";

// ---------------------------------------------------------------- maths (pure; pixels and weights are integers)

// Weights are stored as integers, 2000 times too large, so that the sum of 784 products is exact. Dividing by 2000 brings the
// score into the range that the curve shows.
export const UNIT = 2000;
export const product = (image, template) => image.map((row, r) => row.map((pixel, c) => pixel * template[r][c]));

export function score(image, template, bias) {
  const products = product(image, template).flat();
  const positive = total(products.filter((value) => value > 0));
  const negative = total(products.filter((value) => value < 0));
  return { positive, negative, z: tidy((positive + negative) / UNIT + bias) };
}

const sigmoid = (z) => (z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z)));
export const SLOPE = 0.3;
export const ACTIVATIONS = {
  relu: { text: "ReLU", f: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  leaky_relu: { text: "leaky ReLU", f: (z) => (z > 0 ? z : SLOPE * z), slope: (z) => (z > 0 ? 1 : SLOPE) },
  sigmoid: { text: "sigmoid", f: sigmoid, slope: (z) => sigmoid(z) * (1 - sigmoid(z)) },
  tanh: { text: "tanh", f: Math.tanh, slope: (z) => 1 - Math.tanh(z) ** 2 },
  linear: { text: "linear", f: (z) => z, slope: () => 1 },
};

// The image minus its mean. The score of the image itself is high, that of an evenly grey image is about zero.
export function templateOf(image) {
  const mean = total(image.flat()) / image.flat().length;
  return image.map((row) => row.map((pixel) => Math.round(pixel - mean) || 0));
}

// ---------------------------------------------------------------- state

const SIDE = 28;
const isMap = (value, low, high) => isBox(value, 2, SIDE) && value.length === SIDE && value[0].length === SIDE
  && value.flat().every((each) => whole(each, low, high, null) !== null);
const blank = () => table(SIDE, SIDE, () => 0);
export const TOOLS = { inspect: "Inspect", draw: "Draw", erase: "Erase" };
export const DEFAULTS = {
  images: {}, templates: {}, image: null, template: null, bias: 0, activation: "relu", pixel: [13, 13], predict: false };

const maps = (given, low, high) => Object.fromEntries(Object.entries(given && typeof given === "object" ? given : {})
  .filter(([, value]) => isMap(value, low, high)).slice(0, 12));
const first = (named, otherwise) => Object.values(named)[0] ?? otherwise;

// Turns what a link, an attribute or Python gives into a state that can be drawn. Replaces every value that cannot.
export function clean(given) {
  const state = { ...given };
  state.images = maps(state.images, 0, 9);
  state.templates = maps(state.templates, -9, 9);
  const named = (value, known) => (Object.hasOwn(known, value) ? known[value] : value);
  state.image = state.image === "blank" ? blank() : named(state.image, state.images);
  state.template = named(state.template, state.templates);
  if (!isMap(state.image, 0, 9)) state.image = first(state.images, blank());
  if (!isMap(state.template, -9, 9)) state.template = first(state.templates, templateOf(state.image));
  state.bias = isNumber(state.bias) ? tidy(Number(state.bias.toFixed(6))) : 0;
  state.activation = oneOf(state.activation, Object.keys(ACTIVATIONS), "relu");
  const pixel = Array.isArray(state.pixel) && state.pixel.length === 2 ? state.pixel : DEFAULTS.pixel;
  state.pixel = pixel.map((index) => whole(index, 0, SIDE - 1, 13));
  state.predict = state.predict === true;
  return state;
}

// ---------------------------------------------------------------- what it says

// "z = (5234 + (-1200)) / 2000 + 0.5 = 2.517; relu(z) = max(0, 2.517) = 2.517; slope there 1"
export function sums({ image, template, bias, activation }, hidden) {
  const { positive, negative, z } = score(image, template, bias);
  const head = `z = (${positive} + ${factor(negative)}) / ${UNIT} + ${factor(bias)}`;
  if (hidden) return `${head} = ?`;
  const { f, slope } = ACTIVATIONS[activation];
  const steps = { relu: `max(0, ${full(z)}) = `, leaky_relu: `max(${full(z)}, ${SLOPE}\u00b7${factor(z)}) = `, linear: "" }[activation];
  const value = steps === undefined ? `${activation}(z) is about ${digitsOf(f(z))}` : `${activation}(z) = ${steps}${full(f(z))}`;
  return `${head} = ${full(z)}; ${value}; slope there ${digitsOf(slope(z))}`;
}
const digitsOf = (value) => full(Number(value.toPrecision(4)));

export function remark({ image, template, pixel: [r, c] }) {
  const [x, w] = [image[r][c], template[r][c]];
  return `Pixel [${r}, ${c}]: ${x}\u00b7${factor(w)} = ${full(x * w)}, one of ${SIDE * SIDE} products.`;
}

// ---------------------------------------------------------------- the widget

const LOW = -6;
const HIGH = 6;

export function mount(root, model) {
  const fig = figure(root, model, { label: "One dense unit", style: LOOK, defaults: DEFAULTS, clean });
  let tool = "inspect";
  // The image while the reader draws on it; it becomes the state when the pointer is released.
  let draft = null;
  let solved = false;
  let asked = "";

  const boards = ["Input x", "Template w", "Product x\u00b7w"].map((title, k) => {
    const pixels = pixelMap(title);
    const role = k ? { "aria-hidden": "true" } : { role: "application", tabindex: 0 };
    const over = s("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "over", ...role });
    const spot = s("rect", { width: 1, height: 1 });
    over.append(spot);
    const top = h("span", { class: "size" });
    const element = h("div", { class: "board" }, h("div", { class: "head" }, h("b", {}, title), " ", top),
      h("div", { class: "holder" }, pixels.element, over));
    return { pixels, over, spot, top, element };
  });
  const [input, weights, products] = boards;
  const curve = s("svg", { class: "curve", role: "img", viewBox: "0 0 160 160" });
  const curves = h("div", { class: "board" }, h("div", { class: "head" }, h("b", {}, "Activation")), curve);
  const result = h("div", { class: "result", "aria-hidden": "true" });
  const sum = h("div", { class: "sum", role: "group", "aria-label": "Sum" }, result);
  const contest = h("div", { class: "contest controls", role: "group", "aria-label": "Template" });
  let chips = [];

  const now = () => ({ ...fig.state, image: draft ?? fig.state.image });
  const hidden = () => fig.state.predict && !solved;
  const tools = choices("Pointer", TOOLS, (name) => {
    tool = name;
    draw();
  });
  const image = select("Input", [], (name) => name !== "custom" && fig.set({ image: fig.state.images[name] ?? blank() }));
  const activation = select("Activation", Object.entries(ACTIVATIONS).map(([name, { text }]) => [name, text]),
    (name) => fig.set({ activation: name }));
  const bias = number("Bias b", (value) => fig.set({ bias: value }), fig.refuse);
  const predict = check("Predict first", (on) => fig.set({ predict: on }));
  const buttons = { element: h("div", { class: "adds" }, button("Clear", () => fig.set({ image: blank() })),
    button("Input as template", () => fig.set({ template: templateOf(fig.state.image) })),
    button("Reset", () => { solved = false; fig.reset(); })) };

  fig.element.append(h("div", { class: "boards" }, input.element, weights.element, products.element, curves), sum, contest, fig.note, fig.status,
    h("div", { class: "tops" }, tools.element, h("div", { class: "adds controls" }, image.element, activation.element, bias.element)),
    settings("More", predict, buttons),
    h("div", { class: "legend soft" },
      h("span", {}, h("i", { class: "key" }), "above zero ", h("i", { class: "key neg" }), "below zero, blank is zero."),
      h("span", {}, "Curve: solid the activation, dashed its slope."),
      h("span", { class: "controls" }, "Arrow keys move from pixel to pixel, Enter draws or rubs out.")));

  // A tap on a template selects it. With "Predict first" it is also the reader's answer.
  function choose(name) {
    const scores = Object.entries(fig.state.templates).map(([each, template]) => [each, score(now().image, template, fig.state.bias).z]);
    const best = Math.max(...scores.map(([, z]) => z));
    const right = scores.find(([each]) => each === name)[1] === best;
    const asking = hidden();
    if (asking && right) solved = true;
    const verdict = right ? "Right: no other template scores higher." : "Not yet: another one scores higher.";
    fig.set({ template: fig.state.templates[name] }, asking ? verdict : "");
  }

  function paint([r, c], value) {
    draft ??= fig.state.image.map((row) => [...row]);
    for (const [dr, dc, level] of [[0, 0, 9], [0, 1, 9], [1, 0, 9], [1, 1, 9], [-1, 0, 4], [0, -1, 4], [2, 0, 4], [0, 2, 4]]) {
      const row = draft[r + dr];
      if (row?.[c + dc] !== undefined) row[c + dc] = value ? Math.max(row[c + dc], level) : 0;
    }
  }
  function keep() {
    const drawn = draft;
    draft = null;
    if (drawn) fig.set({ image: drawn });
  }
  const spotOf = (event) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((part) => clamp(Math.floor(part * SIDE), SIDE - 1));
  };
  function touch(event) {
    const pixel = spotOf(event);
    if (tool === "inspect" || event.currentTarget !== input.over) fig.set({ pixel });
    else {
      paint(pixel, tool === "draw");
      draw();
    }
  }
  for (const { over } of boards) {
    over.addEventListener("pointerdown", (event) => {
      input.over.focus({ preventScroll: true });
      over.setPointerCapture(event.pointerId);
      touch(event);
    });
    over.addEventListener("pointermove", (event) => event.buttons && touch(event));
    for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, keep);
  }
  input.over.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    const [r, c] = fig.state.pixel;
    paint([r, c], tool === "draw" || (tool === "inspect" && fig.state.image[r][c] < 5));
    keep();
    event.preventDefault();
    event.stopPropagation();
  });

  function drawCurve(state, z, closed) {
    const { f, slope, text } = ACTIVATIONS[state.activation];
    const bounded = ["sigmoid", "tanh"].includes(state.activation);
    const [low, high] = bounded ? [-1.2, 1.2] : [LOW, HIGH];
    const x = (value) => 8 + ((Math.max(LOW, Math.min(HIGH, value)) - LOW) / (HIGH - LOW)) * 144;
    const y = (value) => 152 - ((Math.max(low, Math.min(high, value)) - low) / (high - low)) * 144;
    const line = (g) => `M${range(97).map((k) => LOW + k / 8).map((v) => `${x(v).toFixed(1)} ${y(g(v)).toFixed(1)}`).join("L")}`;
    const beyond = z < LOW || z > HIGH;
    const point = closed ? "" : `; at z = ${digitsOf(z)} it is ${digitsOf(f(z))}, the slope ${digitsOf(slope(z))}`;
    curve.ariaLabel = `${text} and its slope${point}`;
    curve.replaceChildren(
      s("path", { class: "axes", d: `M8 ${y(0)}H152M${x(0)} 8V152` }),
      s("text", { x: 152, y: y(0) + 12, class: "end" }, `z = ${HIGH}`), s("text", { x: x(0) + 4, y: 16 }, String(bounded ? 1.2 : HIGH)),
      s("path", { class: "slope", d: line(slope) }), s("path", { class: "line", d: line(f) }),
      ...(closed ? [] : [s("path", { class: "drop", d: `M${x(z)} ${y(0)}V${y(f(z))}` }),
        s("circle", { cx: x(z), cy: y(f(z)), r: 5, class: beyond ? "beyond" : "" }),
        s("circle", { cx: x(z), cy: y(slope(z)), r: 3.5, class: "on" })]),
      s("text", { x: 8, y: 148 }, beyond && !closed ? `z = ${short(z, 6)} is off the scale` : ""));
  }

  function draw() {
    const state = now();
    const topic = JSON.stringify([state.image, state.predict, state.bias]);
    if (topic !== asked) solved = false;
    asked = topic;
    const closed = hidden();
    const { positive, negative, z } = score(state.image, state.template, state.bias);
    const multiplied = product(state.image, state.template);
    const [r, c] = state.pixel;
    const most = Math.max(1, ...multiplied.flat().map(Math.abs));
    input.pixels.update(state.image, 9);
    weights.pixels.update(state.template, 9);
    products.pixels.update(multiplied, most);
    [state.image, state.template, multiplied].forEach((map, k) => (boards[k].top.textContent = full(map[r][c])));
    boards.forEach(({ spot }) => {
      spot.setAttribute("x", c);
      spot.setAttribute("y", r);
    });
    input.over.setAttribute("aria-label", `Input, 28 by 28 pixels. Pixel [${r}, ${c}] holds ${state.image[r][c]}`);
    input.over.classList.toggle("drawing", tool !== "inspect");
    tools.update(tool);

    const { f, slope, text } = ACTIVATIONS[state.activation];
    const boxed = (name, value) => h("span", { class: "boxed" }, name, " ",
      h("b", short(value, 6)[0] === "\u2248" ? { title: full(value) } : {}, short(value, 6)));
    const head = `z = (${positive} + ${factor(negative)}) / ${UNIT} + ${factor(state.bias)} = `;
    result.replaceChildren(...(closed ? [head, h("b", {}, "?")]
      : [boxed(head, z), boxed(`${text}(z) =`, f(z)), boxed("slope", slope(z))]));
    drawCurve(state, z, closed);

    const names = Object.keys(state.templates);
    if (chips.map(([name]) => name).join("/") !== names.join("/")) {
      chips = names.map((name) => [name, button("", () => choose(name))]);
      contest.replaceChildren(...chips.map(([, chip]) => chip));
    }
    const scores = names.map((name) => score(state.image, state.templates[name], state.bias).z);
    chips.forEach(([name, chip], k) => {
      const mine = JSON.stringify(state.templates[name]) === JSON.stringify(state.template);
      chip.ariaPressed = String(mine);
      const crown = scores[k] === Math.max(...scores) ? " \u25b2" : "";
      chip.replaceChildren(h("span", {}, name), h("b", {}, closed ? "?" : `${short(scores[k], 6)}${crown}`));
    });
    const options = [...Object.keys(state.images), "blank"];
    if (image.control.length !== options.length + 1) {
      image.control.replaceChildren(...[...options, "custom"].map((name) => h("option", { value: name }, name === "custom" ? "your own" : name)));
    }
    const all = { ...state.images, blank: blank() };
    image.update(options.find((name) => JSON.stringify(all[name]) === JSON.stringify(state.image)) ?? "custom");
    activation.update(state.activation);
    bias.update(state.bias);
    predict.update(state.predict);
    fig.say(closed ? "Which template scores highest? Tap it." : remark(state), `${sums(state, closed)}.`, draft !== null);
  }

  return fig.start({
    draw,
    move: (up, right) => fig.set({ pixel: [clamp(fig.state.pixel[0] + up, SIDE - 1), clamp(fig.state.pixel[1] + right, SIDE - 1)] }),
  });
}

const LOOK = `
.boards { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .6rem .8rem; }
.board .holder { position: relative; }
.pixels { display: block; }
.over { position: absolute; inset: 0; width: 100%; height: 100%; cursor: crosshair; }
.over.drawing { touch-action: none; }
.over rect { fill: none; stroke: var(--ink); stroke-width: 2px; vector-effect: non-scaling-stroke; }
.curve { display: block; width: 100%; border: 1px solid var(--edge); }
.curve path { fill: none; stroke: var(--ink); stroke-width: 2; }
.curve .axes { stroke: var(--line); stroke-width: 1; }
.curve .slope { stroke: var(--weight); stroke-dasharray: 5 4; }
.curve .line { stroke: var(--link); stroke-width: 2.5; }
.curve .drop { stroke: var(--edge); stroke-width: 1; stroke-dasharray: 2 2; }
.curve circle { fill: var(--link); stroke: var(--paper); stroke-width: 1.5; }
.curve circle.on { fill: var(--weight); }
.curve circle.beyond { fill: var(--paper); stroke: var(--link); stroke-width: 2; }
.curve text { fill: var(--soft); font-size: 10px; }
.curve .end { text-anchor: end; }
.sum { width: fit-content; max-width: 100%; margin: .7rem auto 0; }
.boxed { white-space: nowrap; }
.contest { display: flex; flex-wrap: wrap; justify-content: center; gap: 6px; margin-top: .5rem; }
.contest button { display: flex; gap: .5em; align-items: center; }
.tops { margin-top: .6rem; }
.tops .field { flex: 1 1 100px; }
.adds { display: flex; flex-wrap: wrap; gap: 6px .7rem; grid-column: 1 / -1; }
.key { display: inline-block; width: 13px; height: 13px; margin-right: .4em; background: var(--pos); vertical-align: -1px;
  forced-color-adjust: none; }
.key.neg { margin-left: .8em; background: var(--neg); }
@media (forced-colors: active) { .pixels { forced-color-adjust: none; } }
@container (min-width: 560px) {
  .tops { display: flex; gap: 1rem; align-items: end; }
  .tops .views { margin: 0; }
  .tops .adds { flex: 1; }
}
@container (max-width: 559px) {
  .boards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .sum { margin-left: 0; }
  .contest { justify-content: flex-start; }
}
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("dense-unit", mount);

export default { render };
