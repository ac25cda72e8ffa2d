// receptive-field: which pixels a unit sees, and which units a pixel feeds. Its maths is in receptive_field_maths.js.

import { button, h, pixelMap, s, select, settings, slider } from "./elements.js";
import { defineElement, figure, parseValue } from "./figure.js";
import { clamp, full, range, table } from "./numbers.js";
import { WINDOW_STYLE } from "./window.js";
import {
  clean, conv, DEFAULTS, layerName, MOST, pool, remark, same, scene, STACKS, sums,
} from "./receptive_field_maths.js";

const ROW = 42;

export function mount(root, model) {
  const fig = figure(root, model, { label: "Receptive field", style: WINDOW_STYLE + LOOK, defaults: DEFAULTS, clean });
  let now = scene(fig.state);

  const tower = s("svg", { class: "tower", role: "application", tabindex: 0 });
  const photo = s("svg", { class: "photo", role: "img" });
  const pixels = pixelMap("The input");
  const result = h("div", { class: "result", "aria-hidden": "true" });
  const sum = h("div", { class: "sum", role: "group", "aria-label": "Sum" }, result);
  const lines_ = h("tbody");
  const titles = [["layer", "layer"], ["units", "units"], ["sees", "size"], ["jump", "jump"], ["first", "start"]];
  const rules = ["size = size below + dilation\u00b7(kernel \u2212 1)\u00b7jump below", "jump = jump below\u00b7stride",
    "start = start below \u2212 padding\u00b7jump below"].map((text) => h("div", { class: "soft" }, text));
  const formulas = h("table", {}, h("thead", {}, h("tr", {}, titles.map(([, text]) => h("th", { scope: "col" }, text)))), lines_);

  const select_ = (unit, layer = fig.state.layer) => fig.set({ layer, unit });
  // The unit of another layer whose receptive field has about the same centre.
  function nearby(layer) {
    const [from, to] = [now.field[fig.state.layer], now.field[layer]];
    const middle = (index) => from.start + index * from.jump + (from.size - to.size) / 2;
    return fig.state.unit.map((index) => clamp(Math.round((middle(index) - to.start) / to.jump), now.units[layer] - 1));
  }
  function across(layer) {
    if (layer >= 0 && layer <= fig.state.layers.length && layer !== fig.state.layer) select_(nearby(layer), layer);
  }
  const along = (row, column) => select_([row, column].map((index) => clamp(index, now.units[fig.state.layer] - 1)));
  function change(changes) {
    const next = clean({ ...fig.state, ...changes });
    const asked = changes.layers?.length;
    if (asked && next.layers.length < Math.min(asked, MOST)) {
      fig.warn("Not possible: that window does not fit what is left of the input. Nothing changed.");
    } else fig.set(changes);
  }
  const editLayer = (name) => (text) => change({ layers: fig.state.layers.map((each, k) => (
    k === fig.state.layer - 1 ? { ...each, [name]: parseValue(text) } : each)) });

  const layer = slider("Layer", { min: 0, max: 4 }, across);
  const row = slider("Row", { min: 0, max: 27 }, (value) => select_([value, fig.state.unit[1]]));
  const column = slider("Column", { min: 0, max: 27 }, (value) => select_([fig.state.unit[0], value]));
  const names = Object.entries(STACKS).map(([name, [text]]) => [name, text]);
  const stack = select("Stack", [...names, ["custom", "your own"]], (name) => (
    STACKS[name] && change({ layers: STACKS[name][1], layer: MOST })));
  const size = slider("Input", { min: 8, max: 32, show: (value) => `${value}\u00d7${value}` }, (value) => change({ size: value, image: null }));
  const numbers = (count) => range(count).map((k) => [k + 1, k + 1]);
  const kernel = select("Kernel", numbers(7), editLayer("kernel"));
  const stride = select("Stride", numbers(4), editLayer("stride"));
  const dilation = select("Dilation", numbers(4), editLayer("dilation"));
  const padding = select("Padding", [["valid", "valid (none)"], ["same", "same"]], editLayer("padding"));
  const edits = [kernel, stride, dilation, padding];
  const grow = (added) => () => {
    if (fig.state.layers.length === MOST) fig.warn(`A stack here has at most ${MOST} layers.`);
    else change({ layers: [...fig.state.layers, added], layer: fig.state.layers.length + 1 });
  };
  const shrink = () => {
    if (fig.state.layers.length === 1) fig.warn("The last layer stays.");
    else change({ layers: fig.state.layers.slice(0, -1) });
  };
  const buttons = { element: h("div", { class: "adds" }, button("Add conv", grow(conv(3, same))), button("Add pool", grow(pool())),
    button("Remove top", shrink), button("Reset", fig.reset)) };
  const editing = { element: h("div", { class: "soft wide" }) };

  const photos = h("div", { class: "photos" }, h("b", {}, "Input"), h("div", { class: "holder" }, pixels.element, photo));
  fig.element.append(h("div", { class: "stage" }, tower, photos),
    sum, fig.note, fig.status, h("div", { class: "fields controls places" }, [layer, row, column].map(({ element }) => element)),
    settings("Stack and settings", stack, size, editing, ...edits, buttons), h("div", { class: "formula" }, rules, formulas),
    h("div", { class: "legend soft" }, h("span", {}, h("i", { class: "key below" }), "seen"), h("span", {}, h("i", { class: "key me" }), "the unit"),
      h("span", {}, h("i", { class: "key above" }), "fed by it"),
      h("span", { class: "controls" }, "Tap a unit in any layer, or a pixel. Arrow keys: left and right along a layer, up and down through them.")));

  // The position of unit `index` of a layer along the input: the centre of its receptive field.
  const centre = (at, index) => now.field[at].start + index * now.field[at].jump + now.field[at].size / 2;
  let width = 600;
  const unitWidth = (at) => Math.max(3, Math.min(26, (width / fig.state.size) * now.field[at].jump * 0.82));
  const x = (at, index) => Math.max(unitWidth(at) / 2, Math.min(width - unitWidth(at) / 2, (centre(at, index) / fig.state.size) * width));
  const y = (at) => (fig.state.layers.length - at) * ROW + 17;

  function drawTower() {
    const { state } = fig;
    const lines = [];
    const boxes = [];
    for (let at = 0; at <= state.layers.length; at++) {
      const set = at <= state.layer ? now.below[at] : now.above[at - state.layer];
      const half = unitWidth(at) / 2;
      const text = at ? `${layerName(state.layers[at - 1])} \u00b7 ${now.units[at]} units` : `input \u00b7 ${state.size} pixels a side`;
      const look = at === state.layer ? "now" : "";
      lines.push(s("text", { x: 0, y: y(at) - 5, class: look }, text));
      const { size: sees, jump } = now.field[at];
      if (at) lines.push(s("text", { x: width, y: y(at) - 5, class: `end ${look}` }, `sees ${sees}, jump ${jump}`));
      for (let index = 0; index < now.units[at]; index++) {
        const role = !set.has(index) ? "" : at === state.layer ? "me" : at < state.layer ? "below" : "above";
        boxes.push(s("rect", { x: x(at, index) - half, y: y(at), width: 2 * half, height: 17, rx: 2, class: role }));
      }
      if (at === 0) continue;
      const under = at <= state.layer ? now.below[at - 1] : now.above[at - 1 - state.layer];
      if (!set.size || !under.size) continue;
      const edge = (level, chosen) => [-1, 1].map((side) => (
        x(level, (side < 0 ? Math.min : Math.max)(...chosen)) + (side * unitWidth(level)) / 2));
      const [a, b] = edge(at, set);
      const [c, d] = edge(at - 1, under);
      const foot = y(at) + 17;
      lines.unshift(s("path", { class: at <= state.layer ? "cone" : "cone up", d: `M${a} ${foot}L${c} ${y(at - 1)}H${d}L${b} ${foot}z` }));
    }
    tower.setAttribute("viewBox", `0 0 ${width} ${(state.layers.length + 1) * ROW}`);
    tower.style.height = `${(state.layers.length + 1) * ROW}px`;
    tower.replaceChildren(...lines, ...boxes);
  }

  function drawPhoto() {
    const { size: n, image } = fig.state;
    const [r, c] = now.window_;
    pixels.update(image ?? table(n, n, () => 0), image ? Math.max(1, ...image.flat().map(Math.abs)) : 1);
    const grid = image ? "" : range(n - 1).map((k) => `M0 ${k + 1}h${n}M${k + 1} 0v${n}`).join("");
    photo.setAttribute("viewBox", `0 0 ${n} ${n}`);
    photo.ariaLabel = `The unit sees rows ${r.first} to ${r.last} and columns ${c.first} to ${c.last}`;
    photo.replaceChildren(s("path", { d: grid, class: "lines" }), s("rect", {
      x: c.first, y: r.first, width: c.last - c.first + 1, height: r.last - r.first + 1, class: "seen" }));
  }

  function draw() {
    const { state } = fig;
    now = scene(state);
    width = room();
    drawTower();
    drawPhoto();
    const said = remark(state, now);
    tower.setAttribute("aria-label", `Layers as rows of units. Layer ${state.layer}, unit ${state.unit[1]} of ${now.units[state.layer]} is chosen.`);
    const [sizes, start] = sums(state, now).split("; ");
    const split = (text) => [text.slice(0, text.lastIndexOf("= ") + 2), text.slice(text.lastIndexOf("= ") + 2)];
    result.replaceChildren(...[sizes, start].flatMap((text) => [h("span", {}, split(text)[0]), h("b", {}, split(text)[1])]));
    lines_.replaceChildren(...state.layers.map((each, k) => {
      const at = k + 1;
      const { size: sees, jump, start: first } = now.field[at];
      return h("tr", at === state.layer ? { class: "now" } : {}, h("th", { scope: "row" }, `${at} ${layerName(each)}`),
        ...[now.units[at], sees, jump, first].map((value) => h("td", {}, full(value))));
    }).reverse());
    layer.control.max = state.layers.length;
    row.control.max = column.control.max = now.units[state.layer] - 1;
    layer.update(state.layer);
    row.update(state.unit[0]);
    column.update(state.unit[1]);
    stack.update(Object.keys(STACKS).find((name) => JSON.stringify(STACKS[name][1]) === JSON.stringify(state.layers)) ?? "custom");
    size.update(state.size);
    const chosen = state.layers[state.layer - 1];
    editing.element.textContent = chosen ? `Layer ${state.layer}:` : "Choose a layer above the input to change it.";
    edits.forEach((field) => (field.element.hidden = !chosen));
    if (chosen) [chosen.kernel, chosen.stride, chosen.dilation, chosen.padding].forEach((value, k) => edits[k].update(value));
    fig.say(said, `${sums(state, now)}.`);
  }

  function pick(event) {
    const box = tower.getBoundingClientRect();
    const at = clamp(fig.state.layers.length - Math.floor((event.clientY - box.top) / ROW), fig.state.layers.length);
    const place = ((event.clientX - box.left) / box.width) * width;
    const far = (index) => Math.abs(x(at, index) - place);
    const nearest = range(now.units[at]).reduce((best, index) => (far(index) < far(best) ? index : best));
    select_([nearby(at)[0], nearest], at);
  }
  tower.addEventListener("pointerdown", (event) => {
    pick(event);
    tower.focus();
    tower.setPointerCapture(event.pointerId);
  });
  tower.addEventListener("pointermove", (event) => event.buttons && pick(event));
  photo.addEventListener("click", (event) => {
    const box = photo.getBoundingClientRect();
    const spot = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((part) => part * fig.state.size);
    const { start, jump, size: sees } = now.mine;
    select_(spot.map((value) => clamp(Math.round((value - start - sees / 2) / jump), now.units[fig.state.layer] - 1)));
  });

  const room = () => Math.max(280, Math.min(fig.width, 660) - (fig.narrow ? 0 : 190));
  return fig.start({
    draw,
    move: (up, right) => (up ? across(fig.state.layer - up) : along(fig.state.unit[0], fig.state.unit[1] + right)),
    go: (end) => along(fig.state.unit[0], end),
    resize: () => Math.abs(room() - width) > 1 && draw(),
  });
}

const LOOK = `
.stage { flex-wrap: wrap; align-items: flex-start; }
.tower { width: 100%; flex: 1 1 280px; min-width: 0; max-width: 470px; cursor: pointer; touch-action: pan-y; }
.tower text { fill: var(--soft); font-size: 12px; }
.tower text.now { fill: var(--ink); font-weight: 600; }
.tower rect { fill: var(--paper); stroke: var(--edge); stroke-width: 1; }
.tower rect.below, .key.below { fill: var(--above); background: var(--above); stroke: var(--link); border-color: var(--link); }
.tower rect.me, .key.me { fill: var(--link); background: var(--link); stroke: var(--link); border-color: var(--link); }
.tower text.end { text-anchor: end; }
.tower rect.above, .key.above { fill: var(--under); background: var(--under); stroke: var(--weight); border-color: var(--weight); }
.tower rect.above { stroke-dasharray: 3 2; }
.key.above { border-style: dashed; }
.cone { fill: var(--above); opacity: .45; }
.cone.up { fill: var(--under); }
.key { display: inline-block; width: 16px; height: 13px; margin-right: .4em; border: 1.5px solid; vertical-align: -1px; }
.photos { width: 165px; flex: none; }
.photos .holder { position: relative; margin-top: 4px; }
.pixels { display: block; }
.photo { position: absolute; inset: 0; width: 100%; height: 100%; cursor: pointer; }
.photo .lines { stroke: var(--line); stroke-width: .04; }
.photo .seen { fill: var(--above); fill-opacity: .35; stroke: var(--link); stroke-width: 3px; vector-effect: non-scaling-stroke; }
.sum { width: fit-content; max-width: 100%; margin: .6rem auto 0; }
.places { grid-template-columns: repeat(3, minmax(0, 1fr)); margin-top: .4rem; }
.wide, .adds { grid-column: 1 / -1; }
.adds { display: flex; flex-wrap: wrap; gap: 6px; }
table { border-collapse: collapse; }
caption { text-align: start; padding-bottom: 4px; }
th, td { padding: 2px .6em; border-bottom: 1px solid var(--line); text-align: right; font-weight: 400; }
th[scope="row"], thead th:first-child { padding-left: 0; text-align: left; }
thead th { color: var(--soft); font-size: 13px; }
tr.now > * { font-weight: 700; }
@media (forced-colors: active) {
  .tower rect.me { fill: Highlight; }
  .tower rect.below, .photo .seen { stroke: Highlight; stroke-width: 3; }
}
@container (max-width: 559px) {
  .photos { width: 120px; }
  .sum { margin-left: 0; }
}
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("receptive-field", mount);

export default { render };
