// pool-stepper: one pooling window at a time. Its maths is in pool_stepper_maths.js.

import { button, check, choices, h, number, panel, select, settings } from "./elements.js";
import { defineElement, figure } from "./figure.js";
import { GRID_STYLE, numberGrid } from "./grid.js";
import { clamp, full, range, short, table, tidy, total } from "./numbers.js";
import { transport, TRANSPORT_STYLE } from "./transport.js";
import {
  fit, formulaBlock, resultCells, scaleLegend, sign, sized, stageCell, tag, tintScale, unread, WINDOW_STYLE,
} from "./window.js";
import {
  arriving, clean, DEFAULTS, IMAGES, inputGradient, MODES, remark, scene, sumSentence, VIEWS, windowPixels,
} from "./pool_stepper_maths.js";

export function mount(root, model) {
  const fig = figure(root, model, {
    label: "Pooling, step by step", style: GRID_STYLE + TRANSPORT_STYLE + WINDOW_STYLE + LOOK, defaults: DEFAULTS, clean });
  const known = new Set();
  let asked;
  let now = scene(fig.state);

  const count = () => now.shape.rows.out * now.shape.columns.out;
  const question = () => [fig.state.view, fig.state.step].join();
  const hidden = () => fig.state.predict && !known.has(question());
  const stopAnd = (action) => (...given) => {
    bar.stop();
    return action(...given);
  };
  const change = stopAnd((changes) => {
    const next = clean({ ...fig.state, ...changes });
    if (changes.padding !== "same" && fig.state.padding !== next.padding && next.padding === "same") {
      fig.warn(`Not possible: a ${next.pool_size}\u00d7${next.pool_size} window does not fit this input. Nothing changed.`);
    } else fig.set(changes);
  });
  const go = (step) => fig.set({ step: clamp(step, count() - 1) });
  const pick = stopAnd((row, column) => go(row * now.shape.columns.out + column));
  const move = stopAnd((rows, columns) => pick(clamp(now.at[0] + rows, now.shape.rows.out - 1),
    clamp(now.at[1] + columns, now.shape.columns.out - 1)));
  const edited = (grid, [row, column], value) => grid.map((line, r) => line.map((old, c) => (r === row && c === column ? value : old)));
  const reject = stopAnd(fig.refuse);

  function reveal(text) {
    known.add(question());
    fig.warn(text);
  }
  // With "Predict first" the reader taps the largest pixel, or types the mean.
  function guess(row, column) {
    const { before } = now.shape.rows;
    const pixel = now.pixels.find((each) => each.row === row - before && each.column === column - now.shape.columns.before);
    if (!pixel) fig.warn("That pixel is not in the window.");
    else if (pixel.value < now.winner.value) fig.warn(`Not yet: the window holds more than ${full(pixel.value)}.`);
    else if (pixel.row === now.winner.row && pixel.column === now.winner.column) {
      reveal(now.ties.length > 1 ? `Right, and of ${now.ties.length} equal numbers the first wins.` : "Right.");
    } else fig.warn("It is as large, but not the first: of equal numbers the first, row by row, wins.");
  }
  function compare(value) {
    const { at: [i, j], out, dout, pixels } = now;
    const answer = fig.state.view === "forward" ? out[i][j] : dout[i][j] / pixels.length;
    if (Math.abs(value - answer) <= 0.005) reveal("Right.");
    else fig.warn(`Not yet: ${full(value)} is too ${value > answer ? "high" : "low"}.`);
  }

  const bar = transport({ go, reset: () => { known.clear(); fig.reset(); }, onplaying: () => draw() });
  const mode = choices("Pooling", MODES, (name) => change({ mode: name }));
  const view = choices("View", VIEWS, (name) => change({ view: name }));
  const editImage = stopAnd((spot, value) => change({ image: edited(fig.state.image, spot, value) }));
  const inputs = numberGrid({ label: "Input", onedit: editImage, onreject: reject });
  const quiz = numberGrid({ label: "Input, tap the winner", onpick: guess });
  const outs = numberGrid({ label: "Output", onpick: pick, onmove: move });
  const douts = numberGrid({ label: "dout, the gradient of the outputs", onpick: pick, onmove: move, onreject: reject,
    onedit: stopAnd((spot, value) => change({ dout: edited(now.dout, spot, value) })) });
  const dxs = numberGrid({ label: "dx, the gradient of the input", still: true });
  const input = panel("Input", { element: h("div", {}, inputs.element, quiz.element) });
  const output = panel("Output", outs);
  const above = panel("dout", douts);
  const below = panel("dx", dxs);
  below.element.classList.add("thin");
  above.foot.append("tap again to edit");

  const result = h("div", { class: "result", "aria-hidden": "true" });
  const field = number("Your prediction", compare, (text) => fig.warn(text ? "Type a number." : ""));
  const answer = h("div", { class: "answer controls", role: "group", "aria-label": "Predict" }, field.control,
    button("Show", () => reveal("")), button("Next one", () => (hidden() ? fig.warn("Answer first, or press Show.") : go(fig.state.step + 1))));
  const sum = h("div", { class: "sum", role: "group", "aria-label": "Sum" }, result, answer);
  const formula = formulaBlock();
  const legend = h("div");

  const image = select("Image", [...Object.entries(IMAGES).map(([name, [text]]) => [name, text]), ["custom", "your own"]],
    (name) => IMAGES[name] && change({ image: IMAGES[name][1], step: 0 }));
  const numbers = ["1", "2", "3", "4"];
  const size = select("Window", numbers.map((n) => [n, `${n}\u00d7${n}`]), (n) => change({ pool_size: Number(n) }));
  const stride = select("Stride", numbers.map((n) => [n, n]), (n) => change({ stride: Number(n) }));
  const padding = select("Padding", [["valid", "valid (none)"], ["same", "same"]], (name) => change({ padding: name }));
  const predict = check("Predict first", (on) => change({ predict: on }));

  fig.element.append(h("div", { class: "tops controls" }, mode.element, view.element),
    h("div", { class: "stage" }, input.element, above.element, sign("\u2192"), output.element, below.element),
    sum, fig.note, fig.status, bar.element, settings("Image, window and settings", image, size, stride, padding, predict), formula.element, legend);

  function draw() {
    const { state } = fig;
    const { step, view: _, ...rest } = state;
    const topic = JSON.stringify(rest);
    if (topic !== asked) known.clear();
    asked = topic;
    now = scene(state);
    const { shape, at: [i, j] } = now;
    const forward = state.view === "forward";
    const closed = hidden();
    const tint = tintScale(state.image, forward ? [] : [now.dout, now.dx]);
    mode.update(state.mode);
    view.update(state.view);
    output.element.hidden = !forward;
    above.element.hidden = below.element.hidden = forward;

    const guessing = closed && state.mode === "max";
    inputs.element.hidden = guessing;
    quiz.element.hidden = !guessing;
    (guessing ? quiz : inputs).update(inputCells(state, now, tint, closed), {
      marks: [{ row: shape.rows.before, column: shape.columns.before, height: shape.rows.size, width: shape.columns.size, look: "image" },
        { row: i * state.stride, column: j * state.stride, height: state.pool_size, width: state.pool_size }] });
    const shown = now.out.map((row, r) => row.map((value, c) => {
      const index = r * shape.columns.out + c;
      if (index === state.step && closed) return { value: null, text: "?" };
      return { value: index <= state.step || fig.printed ? value : null };
    }));
    const mark = { at: now.at, marks: [{ row: i, column: j }] };
    if (forward) outs.update(resultCells(shown, tint, "out"), mark);
    else {
      douts.update(now.dout.map((row, r) => row.map((value, c) => (
        { value, tint: tint.of(value), edit: [r, c], label: `dout[${r}, ${c}]: ${full(value)}` }))), mark);
      dxs.update(gradientCells(state, now, tint, closed, fig.printed), { marks: closed && state.mode === "max" ? [] : [
        state.mode === "max" ? now.winner : { row: now.pixels[0].row, column: now.pixels[0].column,
          height: now.pixels.at(-1).row - now.pixels[0].row + 1, width: now.pixels.at(-1).column - now.pixels[0].column + 1 }] });
    }
    const lost = unread(shape);
    const dropped = total(state.image.map((row, r) => row.filter((_, c) => lost(r + shape.rows.before, c + shape.columns.before)).length));
    input.size.textContent = `${sized(state.image)}${dropped ? `, ${dropped} dropped` : ""}`;
    output.size.textContent = above.size.textContent = sized(now.out);
    below.size.textContent = sized(state.image);
    const ring = (look, text) => [h("i", { class: `key ${look}` }), text];
    const rings = state.mode === "average" || closed ? [] : [...ring("", "max"), ...(now.ties.length > 1 ? ring("tied", "tie") : [])];
    input.foot.replaceChildren(tag("window"), ...rings);
    output.foot.replaceChildren(tag(`out[${i}, ${j}]`));
    below.foot.replaceChildren(closed ? "" : tag(state.mode === "max" ? "the winner" : "equal shares"));

    const text = sumSentence(state, now, closed);
    const split = text.lastIndexOf(" = ") + 3;
    const value = forward ? now.out[i][j] : now.dx[now.target.row][now.target.column];
    const last = short(value, 8);
    result.replaceChildren(h("span", {}, last[0] === "\u2248" && !closed ? text.slice(0, split - 2) : text.slice(0, split)),
      h("b", last[0] === "\u2248" ? { title: full(value) } : {}, closed ? "?" : last));
    result.classList.toggle("asked", closed);
    answer.hidden = !state.predict;
    field.control.hidden = !closed || state.mode === "max";

    image.update(Object.keys(IMAGES).find((name) => JSON.stringify(IMAGES[name][1]) === JSON.stringify(state.image)) ?? "custom");
    size.update(state.pool_size);
    stride.update(state.stride);
    padding.update(state.padding);
    predict.update(state.predict);
    formula.update(shape, "Pooling has no weights: there is nothing to learn.");
    bar.update({ step: state.step, count: count(), locked: state.predict });
    const asks = state.mode === "average" ? (forward ? "Type the mean." : `Type what each pixel gets of ${full(now.dout[i][j])}.`)
      : forward ? "Tap the number that wins." : `Tap the pixel that gets the ${full(now.dout[i][j])}.`;
    fig.say(closed ? asks : remark(state, now), `${text}.`, bar.playing());
    legend.replaceChildren(scaleLegend(tint, "Tap a number to change it, a result to go there. Arrow keys move, Space plays."));
  }

  function resize() {
    const [wide, out] = [now.shape.columns.padded, now.shape.columns.out];
    const back = fig.state.view === "backward";
    let cell = stageCell(fig.width, back && !fig.narrow ? [wide, out, now.shape.columns.size] : [wide, out]);
    // On a phone dx stands beside dout.
    if (back && fig.narrow) cell = fit(fig.width - 18 - 21 * now.shape.columns.size, out, cell);
    fig.element.style.setProperty("--cell", `${cell}px`);
  }
  return fig.start({ draw, resize, move, bar, go: stopAnd(go) });
}

function inputCells(state, { shape, pixels, winner, ties }, tint, closed) {
  const { rows, columns } = shape;
  const lost = unread(shape);
  const max = state.mode === "max" && !closed;
  return table(rows.padded, columns.padded, (r, c) => {
    const [row, column] = [r - rows.before, c - columns.before];
    const value = state.image[row]?.[column];
    if (value === undefined) return { value: null, look: "ring", label: `row ${row}, column ${column}, padding: takes no part` };
    const same = (pixel) => pixel.row === row && pixel.column === column;
    const inside = pixels.some(same);
    const won = max && same(winner);
    const tied = max && !won && ties.some(same);
    const skip = lost(r, c);
    return {
      value, tint: tint.of(value), edit: [row, column],
      look: `${skip ? "skip" : ""} ${won ? "won" : tied ? "tied" : ""}`,
      label: `row ${row}, column ${column}: ${full(value)}${inside ? ", in the window" : ""}${won ? ", the maximum" : tied ? ", as large" : ""}`
        + `${skip ? ", never read" : ""}`,
    };
  });
}

// A pixel that no window has read so far has an empty cell. After the last step, pixels that no window reads show 0.
function gradientCells(state, { shape, dx }, tint, closed, printed) {
  const all = shape.rows.out * shape.columns.out;
  const done = printed ? all : state.step + (closed ? 0 : 1);
  const at = (index) => [Math.floor(index / shape.columns.out), index % shape.columns.out];
  const reached = new Set(range(done).flatMap((index) => windowPixels(state.image, shape, ...at(index))
    .map(({ row, column }) => `${row},${column}`)));
  const values = done === state.step + 1 ? dx : inputGradient(state, arriving(state, shape), done).map((row) => row.map(tidy));
  return values.map((row, r) => row.map((value, c) => {
    const shown = reached.has(`${r},${c}`) || done === all;
    return { value: shown ? value : null, tint: shown ? tint.of(value) : 0, label: `dx[${r}, ${c}]: ${shown ? full(value) : "empty"}` };
  }));
}

const LOOK = `
.tops { display: flex; flex-wrap: wrap; gap: 0 1rem; }
.cell.won::before, .cell.tied::before, .key { border: 2px solid var(--weight); border-radius: 50%; }
.cell.won::before, .cell.tied::before { content: ""; position: absolute; inset: 4px; }
.cell.won { font-weight: 700; }
.cell.tied::before, .key.tied { border-style: dashed; }
.key { display: inline-block; width: 15px; height: 15px; margin: 0 .3em 0 .8em; vertical-align: -2px; }
.sum { width: fit-content; max-width: 100%; margin: .8rem auto 0; }
.sum .answer { margin-top: 6px; }
@container (max-width: 559px) {
  .thin { --cell: 21px; }
  .thin .cell { font-size: 12px; }
  .thin .cell.long { font-size: 10px; }
  .tops .views { flex: 1 1 auto; margin-bottom: .6rem; }
  .sum { margin-left: 0; }
}
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("pool-stepper", mount);

export default { render };
