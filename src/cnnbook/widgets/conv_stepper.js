// conv-stepper: one convolution, one window at a time. Pure maths first, then what the reader sees.

// ---------------------------------------------------------------- maths (pure, exact for integers)

const range = (count) => Array.from({ length: count }, (_, index) => index);
const table = (height, width, value) => range(height).map((r) => range(width).map((c) => value(r, c)));
const total = (values) => values.reduce((sum, value) => sum + value, 0);

// One axis: the padding (before, after), the span of the dilated kernel and the number of windows.
// "same" follows TensorFlow: ceil(size / stride) windows, the odd zero last.
export function axis(size, kernel, { stride, padding, dilation }) {
  const span = dilation * (kernel - 1) + 1;
  let before = padding;
  let after = padding;
  if (padding === "valid") before = after = 0;
  if (padding === "same") {
    const needed = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
    before = Math.floor(needed / 2);
    after = needed - before;
  }
  const room = size + before + after - span;
  return { size, kernel, before, after, span, padded: size + before + after, out: room < 0 ? 0 : Math.floor(room / stride) + 1 };
}

export function geometry(image, kernel, settings) {
  return { rows: axis(image.length, kernel.length, settings), columns: axis(image[0].length, kernel[0].length, settings), ...settings };
}

// The index in the image that a padded index copies, or -1 for a zero.
export function sourceIndex(index, size, mode) {
  if (index >= 0 && index < size) return index;
  if (mode === "edge") return index < 0 ? 0 : size - 1;
  if (mode !== "reflect") return -1;
  const period = Math.max(1, 2 * (size - 1));
  const wrapped = ((index % period) + period) % period;
  return Math.min(wrapped, period - wrapped) % size;
}

// The padded image as { value, source }: source is [row, column] in the image, or null for a padding zero.
export function padInput(image, { rows, columns, pad_mode }) {
  return table(rows.padded, columns.padded, (r, c) => {
    const row = sourceIndex(r - rows.before, rows.size, pad_mode);
    const column = sourceIndex(c - columns.before, columns.size, pad_mode);
    const outside = row < 0 || column < 0;
    const ring = r < rows.before || r >= rows.before + rows.size || c < columns.before || c >= columns.before + columns.size;
    return { value: outside ? 0 : image[row][column], source: outside ? null : [row, column], ring };
  });
}

// The pairs under the kernel for output (i, j), one list per kernel row.
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

// One row per window, the pixels in the order of the flattened kernel.
export function im2col(image, kernel, settings) {
  const shape = geometry(image, kernel, settings);
  const padded = padInput(image, shape);
  return table(shape.rows.out, shape.columns.out, (i, j) =>
    windowTerms(padded, kernel, shape, i, j).flat().map(({ pixel }) => pixel)).flat();
}

// Every (pixel, weight, output) triple of the convolution: both gradients only regroup this list.
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

// (H, W, C) with (K_h, K_w, C, F) and (F,): one map per filter, channels summed, bias added.
export function convolveChannels(image, kernel, bias, settings) {
  return bias.map((offset, f) => {
    const maps = image[0][0].map((_, c) => convolve(imagePlane(image, c), kernelPlane(kernel, c, f), settings));
    return maps[0].map((row, i) => row.map((_, j) => tidy(total(maps.map((map) => map[i][j])) + offset)));
  });
}

// ---------------------------------------------------------------- presets and state

const grid = (rows) => rows.split("/").map((row) => [...row].map(Number));
// The digit and the boot are the first test images of MNIST and Fashion-MNIST, averaged to 7x7, 0 to 9.
export const IMAGES = {
  hand: ["hand example", grid("11100/01110/00111/00110/01100")],
  edge: ["edge", grid("0009999/0009999/0009999/0009999/0009999/0009999/0009999")],
  digit: ["digit 7", grid("0653330/0134591/0000270/0000710/0004600/0019000/0057000")],
  garment: ["ankle boot", grid("0000000/0000000/0001643/0005896/3467998/2455364/0000000")],
};
export const KERNELS = {
  hand: ["hand example", grid("101/010/101")],
  identity: ["identity", grid("000/010/000")],
  blur: ["soft blur", [[0.1, 0.1, 0.1], [0.1, 0.2, 0.1], [0.1, 0.1, 0.1]]],
  sharpen: ["sharpen", [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]],
  "sobel-x": ["Sobel x", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]],
  "sobel-y": ["Sobel y", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]],
};
export const VIEWS = { forward: "Forward", im2col: "im2col", channels: "Channels", backward: "Backward" };
const PADDINGS = [["valid", "valid (none)"], ["same", "same"], ["1", "1 each side"], ["2", "2 each side"], ["3", "3 each side"]];
const MODES = [["zero", "zeros"], ["reflect", "reflect"], ["edge", "edge"]];

export const DEFAULTS = {
  image: IMAGES.hand[1], kernel: KERNELS.hand[1], bias: null, stride: 1, padding: "valid", pad_mode: "zero", dilation: 1,
  step: 0, view: "forward", target: "pixel", filter: 0, dout: null, predict: false,
};

const isNumber = (value) => typeof value === "number" && Math.abs(value) <= LIMIT;
const isBox = (value, depth) => (depth === 0 ? isNumber(value) : Array.isArray(value) && value.length > 0 && value.length <= 12
  && value.every((part) => isBox(part, depth - 1) && (depth < 2 || part.length === value[0].length)));
const whole = (value, low, high, otherwise) => (Number.isInteger(value) && value >= low && value <= high ? value : otherwise);
const oneOf = (value, list, otherwise) => (list.includes(value) ? value : otherwise);
const isStacked = ({ image }) => Array.isArray(image[0][0]);

export function fits({ image, kernel, ...settings }) {
  const { rows, columns } = geometry(imagePlane(image), kernelPlane(kernel), settings);
  return rows.out > 0 && columns.out > 0;
}

// A second channel and a second filter made from the first, so that the channels view has something to add up.
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

// Whatever comes in (a link, an attribute, Python), what comes out can be drawn.
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

// The gradient that arrives from above, until the reader edits it: small integers that tell outputs apart.
const arriving = ({ dout }, { rows, columns }) =>
  dout ?? table(rows.out, columns.out, (i, j) => [1, 2, -1, 0, 3, -2, 1][(i * columns.out + j) % 7]);

// ---------------------------------------------------------------- what one step says

// Everything a step shows: the name of the result, its sum as lines of terms, the grid it lands in.
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

const factor = (value) => (value < 0 ? `(${full(value)})` : full(value));
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

// ---------------------------------------------------------------- the widget

export function mount(root, model) {
  const store = connect(model, DEFAULTS, clean, () => changed());
  const initial = store.state;
  const ui = frame(root, "Convolution, step by step", LOOK);
  const paper = matchMedia("print");
  const known = new Set();
  let message = "";
  let seen = signature();
  let now = scene(store.state);

  // Answers stay known while the reader only walks about; a changed number or setting asks anew.
  function signature() {
    const { step, view, target, filter, predict, ...rest } = store.state;
    return JSON.stringify(rest);
  }
  const question = () => [store.state.view, store.state.target, store.state.filter, store.state.step].join();
  const hidden = () => store.state.predict && !known.has(question());

  function change(changes) {
    const next = { ...store.state, ...changes };
    if (next.padding === "valid" || next.padding === "same" || Number.isInteger(next.padding)) {
      const trial = clean({ ...next, dilation: 1, padding: "same" });
      if (!fits({ ...trial, dilation: next.dilation, padding: next.padding })) {
        const asked = { ...trial, dilation: next.dilation, padding: next.padding };
        const edge = geometry(imagePlane(trial.image), kernelPlane(trial.kernel), asked).rows;
        message = `Not possible: a window spanning ${edge.span} pixels does not fit ${edge.padded} rows or columns. Nothing changed.`;
        draw();
        return;
      }
    }
    message = "";
    store.set(changes);
  }
  const stopAnd = (action) => (...given) => {
    bar.stop();
    return action(...given);
  };
  const go = (step) => {
    message = "";
    store.set({ step });
  };
  const move = stopAnd((rows, columns) => {
    go(clamp(now.at[0] + rows, now.height - 1) * now.width + clamp(now.at[1] + columns, now.width - 1));
  });
  const pick = stopAnd((row, column) => go(row * now.width + column));
  const pickFilter = stopAnd((filter, row, column) => change({ filter, step: row * now.width + column }));
  const reject = stopAnd((text) => {
    const typed = text.trim() ? `\u201c${text.trim().slice(0, 20)}\u201d` : "Nothing";
    message = `${typed} is not a number between ${full(-LIMIT)} and ${full(LIMIT)}: the old one stays.`;
    draw();
  });

  const copy = (value) => JSON.parse(JSON.stringify(value));
  const editImage = (channel) => stopAnd(([row, column], value) => {
    const image = copy(store.state.image);
    if (isStacked(store.state)) image[row][column][channel] = value;
    else image[row][column] = value;
    change({ image });
  });
  const editKernel = (channel) => stopAnd(([u, v], value) => {
    const kernel = copy(store.state.kernel);
    if (isStacked(store.state)) kernel[u][v][channel][store.state.filter] = value;
    else kernel[u][v] = value;
    change({ kernel });
  });
  const editDout = stopAnd(([row, column], value) => {
    const dout = copy(now.dout);
    dout[row][column] = value;
    change({ dout });
  });

  const bar = transport({ go, reset: () => { message = ""; known.clear(); store.set(initial); }, onplaying: () => draw() });
  const status = statusLine();
  const note = h("p", { class: "note soft", "aria-hidden": "true" });
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
      if (value === null) message = "Type a number, then Check.";
      else if (Math.abs(value - answer) > 1e-6) {
        message = `Not yet: ${full(value)} is ${full(Math.abs(value - answer))} too ${value > answer ? "high" : "low"}.`;
      } else reveal("Right.");
      draw();
    },
    show() {
      reveal("");
      draw();
    },
    next: () => go(store.state.step + 1),
  });
  function reveal(text) {
    message = text;
    known.add(question());
  }
  const settings = settingsBlock(change, stopAnd, store);
  const views = Object.entries(VIEWS).map(([view, text]) => button(text, stopAnd(() => change({ view, step: 0 }))));
  const targets = ["pixel", "weight"].map((target) => button(`Pick a ${target}`, stopAnd(() => change({ target, step: 0 }))));
  const targetRow = h("div", { class: "views controls", role: "group", "aria-label": "Gradient of" }, targets);
  const formula = formulaBlock();
  const legend = h("div", { class: "legend soft" });

  ui.element.append(
    h("div", { class: "views controls", role: "group", "aria-label": "View" }, views), targetRow,
    stages.forward.element, stages.channels.element, stages.backward.element,
    sum.element, note, status.element, bar.element, product.element, settings.element, formula.element, legend);

  function changed() {
    if (signature() !== seen) {
      seen = signature();
      known.clear();
    }
    now = scene(store.state);
    draw();
  }

  function draw() {
    const { state } = store;
    const narrow = ui.element.clientWidth < 560;
    const view = { state, now, narrow, hidden: hidden(), shown: shownResult(), tint: tintScale(state, now) };
    views.forEach((control, index) => control.setAttribute("aria-pressed", String(Object.keys(VIEWS)[index] === state.view)));
    targets.forEach((control, index) => control.setAttribute("aria-pressed", String(["pixel", "weight"][index] === state.target)));
    targetRow.hidden = state.view !== "backward";
    for (const stage of new Set(Object.values(stages))) stage.element.hidden = stage !== stages[state.view];
    stages[state.view].update(view);
    product.element.hidden = state.view !== "im2col";
    if (state.view === "im2col") product.update(view);
    sum.update(view, question());
    settings.update(state);
    formula.update(now.shape, parameterCount(state));
    bar.update({ step: state.step, count: now.height * now.width, locked: state.predict });
    const said = message || remark(state, now);
    note.textContent = said;
    status.say(`${said} ${sumSentence(now, view.hidden)}.`, bar.playing());
    legend.replaceChildren(
      h("span", {}, `Shade: ${short(-view.tint.top)}`, h("span", { class: "scale" }), `${short(view.tint.top)}, zero is blank.`),
      h("span", { class: "controls" }, "Tap a number to change it, a result cell to go there. Arrow keys move, Space plays."));
    resize();
  }

  // Cells the reader has not reached stay empty; paper cannot be stepped, so it gets them all.
  function shownResult() {
    return now.result.map((row, r) => row.map((value, c) => {
      const index = r * now.width + c;
      if (index === store.state.step) return hidden() ? { value: null, text: "?" } : { value };
      return { value: index < store.state.step || paper.matches ? value : null };
    }));
  }

  function resize() {
    const inner = ui.element.clientWidth - 2 * parseFloat(getComputedStyle(ui.element).paddingLeft);
    ui.element.style.setProperty("--cell", `${stages[store.state.view].cell(inner, now)}px`);
  }

  ui.element.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const arrow = ARROWS[event.key];
    if (arrow) move(...arrow);
    else if (event.key === " " && !event.target.closest("button, summary, a")) bar.toggle();
    else if (event.key === "Home") stopAnd(go)(0);
    else if (event.key === "End") stopAnd(go)(now.height * now.width - 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const observer = new ResizeObserver(resize);
  observer.observe(ui.element);
  paper.addEventListener("change", draw);
  draw();
  const unfollow = followFragment(root, model.get("id"), (changes) => {
    bar.stop();
    message = "";
    store.set({ ...initial, ...changes });
  });
  return () => {
    bar.stop();
    store.stop();
    unfollow();
    ui.stop();
    observer.disconnect();
    paper.removeEventListener("change", draw);
  };
}

// What a step is worth saying besides its sum.
function remark(state, { where, shape }) {
  if (state.view === "channels") return `${where} ${state.image[0][0].length} channels are added, then the bias.`;
  if (state.view !== "backward" || state.target !== "pixel" || state.stride > 1) return where;
  return `${where} On dout the weights lie flipped.`;
}

function tintScale(state, now) {
  const input = state.target === "weight" ? now.image : [];
  const numbers = [now.result, ...(state.view === "backward" ? [now.dout, now.kernel, input] : [state.image, state.kernel])];
  const top = Math.max(1, ...numbers.flat(9).map(Math.abs));
  return { top, of: (value) => Math.sign(value) * Math.sqrt(Math.abs(value) / top) };
}

// Pixels that no window reads: rows and columns a stride drops, gaps that dilation leaves.
export function unread({ rows, columns, stride, dilation }) {
  const hit = (edge) => new Set(range(edge.out).flatMap((i) => range(edge.kernel).map((u) => i * stride + u * dilation)));
  const rowHits = hit(rows);
  const columnHits = hit(columns);
  return (row, column) => !rowHits.has(row) || !columnHits.has(column);
}

// The weight as it lies on the input: a decimal goes without its leading zero, cells are small.
const ghost = (weight) => `\u00d7${short(weight, 3).replace(/^(\W?)0\./, "$1.")}`;

function inputCells({ padded, shape, groups }, tint, smalls) {
  const lost = unread(shape);
  return padded.map((line, r) => line.map(({ value, ring, source }, c) => {
    const tap = smalls(r, c);
    const skip = lost(r, c);
    return {
      value, tint: ring ? 0 : tint.of(value), edit: ring ? null : source,
      small: tap === undefined ? "" : ghost(tap),
      look: `${ring ? "ring" : ""} ${skip ? "skip" : ""} ${tap !== undefined && shape.dilation > 1 ? "tap" : ""}`,
      label: [`row ${r - shape.rows.before}, column ${c - shape.columns.before}${ring ? ", padding" : ""}: ${full(value)}`,
        tap === undefined ? "" : `, in the window, times ${full(tap)}`, skip ? ", never read" : ""].join(""),
    };
  }));
}

const imageFrame = ({ rows, columns }) => (
  { row: rows.before, column: columns.before, height: rows.size, width: columns.size, look: "image" });

function inputFrames({ shape, at: [i, j] }) {
  const { stride, dilation, rows, columns } = shape;
  const look = dilation > 1 ? "wide" : "";
  return [imageFrame(shape), { row: i * stride, column: j * stride, height: rows.span, width: columns.span, look }];
}

const weightCells = (kernel, tint, editable = true) => kernel.map((row, u) => row.map((value, v) => (
  { value, tint: tint.of(value), edit: editable && [u, v], label: `weight row ${u}, column ${v}: ${full(value)}` })));

const resultCells = (shown, tint, name) => shown.map((row, r) => row.map((cell, c) => {
  const empty = cell.value === null;
  const said = empty ? (cell.text ? "predict it" : "empty") : full(cell.value);
  return { ...cell, tint: empty ? 0 : tint.of(cell.value), label: `${name}[${r}, ${c}]: ${said}` };
}));

const sized = (grid_) => `${grid_.length}\u00d7${grid_[0].length}`;
const tag = (text) => h("span", { class: "tag" }, text);
const sign = (text) => h("div", { class: "sign", "aria-hidden": "true" }, text);
const fit = (room, cells, high) => Math.max(32, Math.min(high, Math.floor(room / cells)));

// Panels side by side where there is room, else the first two over the third.
function stageCell(inner, widths) {
  const gaps = 34 * (widths.length - 1) + 30;
  if (inner >= 560) return fit(inner - gaps, total(widths), 42);
  const pair = widths[0] + widths[1];
  if (pair * 32 + 20 <= inner) return fit(inner - 20, pair, 40);
  const high = widths[0] > 7 ? 32 : 36; // a 9x9 input still shares the screen with its sum
  return Math.min(fit(inner - 2, widths[0], high), fit(inner - 22, total(widths.slice(1)), high));
}

function forwardStage({ editImage, editKernel, reject, pick, move }) {
  const inputGrid = numberGrid({ label: "Input", onedit: editImage, onreject: reject });
  const kernelGrid = numberGrid({ label: "Kernel", onedit: editKernel, onreject: reject });
  const outGrid = numberGrid({ label: "Output", onpick: pick, onmove: move });
  const input = panel("Input", inputGrid);
  const kernel = panel("Kernel", kernelGrid);
  const output = panel("Output", outGrid);
  kernel.element.classList.add("weights");
  kernel.foot.append(h("span", { class: "weight" }, "\u00d7 weights"));
  return {
    element: h("div", { class: "stage" }, input.element, sign("\u2217"), kernel.element, sign("="), output.element),
    cell: (inner, { padded, kernel: weights, width }) => stageCell(inner, [padded[0].length, weights[0].length, width]),
    update({ state, now, shown, tint }) {
      const taps_ = new Map(now.groups.flat().map(({ row, column, weight }) => [`${row},${column}`, weight]));
      inputGrid.update(inputCells(now, tint, (r, c) => taps_.get(`${r},${c}`)), { marks: inputFrames(now) });
      kernelGrid.update(weightCells(now.kernel, tint));
      outGrid.update(resultCells(shown, tint, "out"), { at: now.at, marks: [{ row: now.at[0], column: now.at[1], look: "" }] });
      const ring = now.padded.length > now.image.length || now.padded[0].length > now.image[0].length;
      input.size.textContent = `${sized(now.image)}${ring ? `, padded ${sized(now.padded)}` : ""}${isStacked(state) ? ", channel 0" : ""}`;
      kernel.size.textContent = sized(now.kernel);
      output.size.textContent = sized(now.result);
      input.foot.replaceChildren(tag("window"));
      output.foot.replaceChildren(tag(`out[${now.index.join(", ")}]`));
    },
  };
}

function channelsStage({ editImage, editKernel, reject, pick, move }) {
  const rows = h("div", { class: "rows" });
  const maps = h("div", { class: "maps" });
  let planes = [];
  let outs = [];
  return {
    element: h("div", { class: "stage layered" }, rows, sign("="), maps),
    cell(inner, { padded, kernel, width }) {
      if (inner >= 560) return stageCell(inner, [padded[0].length, kernel[0].length, width]);
      return fit(inner - 20, padded[0].length + kernel[0].length, 34);
    },
    update({ state, now, shown, tint }) {
      if (planes.length !== now.planes.length) {
        planes = now.planes.map((_, c) => {
          const input = numberGrid({ label: `Input, channel ${c}`, onedit: editImage(c), onreject: reject });
          const kernel = numberGrid({ label: `Kernel, channel ${c}`, onedit: editKernel(c), onreject: reject });
          return { input, kernel, left: panel(`Channel ${c}`, input), right: panel(`Kernel`, kernel) };
        });
        rows.replaceChildren(...planes.map(({ left, right }) => {
          right.element.classList.add("weights");
          return h("div", { class: "pair" }, left.element, sign("\u2217"), right.element);
        }));
      }
      if (outs.length !== now.maps.length) {
        outs = now.maps.map((_, f) => {
          const out = numberGrid({ label: `Output, filter ${f}`, onpick: (row, column) => pick(f, row, column), onmove: move });
          return { out, panel: panel(`Filter ${f}`, out) };
        });
        maps.replaceChildren(...outs.map(({ panel: { element } }) => element));
      }
      planes.forEach(({ input, kernel, left, right }, c) => {
        const plane = now.planes[c];
        const weights = new Map(now.groups[c].map(({ row, column, weight }) => [`${row},${column}`, weight]));
        const own = { ...now, padded: padInput(plane.image, now.shape) };
        input.update(inputCells(own, tint, (r, k) => weights.get(`${r},${k}`)), { marks: inputFrames(now) });
        kernel.update(weightCells(plane.kernel, tint));
        right.size.textContent = `[:, :, ${c}, ${state.filter}]`;
        left.foot.replaceChildren(tag("window"));
        right.foot.replaceChildren(`sum ${full(sumOf([now.groups[c]]))}`);
        right.foot.hidden = state.predict;
      });
      outs.forEach(({ out, panel: { foot, size } }, f) => {
        const mine = f === state.filter;
        const map = (row, r) => row.map((cell, c) => ({ value: cell.value === null ? null : now.maps[f][r][c] }));
        const marks = mine ? [{ row: now.at[0], column: now.at[1] }] : [];
        out.update(resultCells(mine ? shown : shown.map(map), tint, `filter ${f} `), { at: now.at, marks });
        size.textContent = `bias ${full(state.bias[f])}`;
        foot.replaceChildren(mine ? tag(`out[${now.index.join(", ")}]`) : "");
      });
    },
  };
}

function backwardStage({ editImage, editKernel, editDout, reject, pick, move }) {
  const doutGrid = numberGrid({ label: "dout, the gradient of the outputs", onedit: editDout, onreject: reject });
  const kernelGrid = numberGrid({ label: "Kernel", onedit: editKernel, onreject: reject });
  const flippedGrid = numberGrid({ label: "Kernel turned by half a turn", still: true });
  const inputGrid = numberGrid({ label: "Input", onedit: editImage, onreject: reject });
  const resultGrid = numberGrid({ label: "Gradient", onpick: pick, onmove: move });
  const dout = panel("dout", doutGrid);
  const kernel = panel("Kernel", kernelGrid);
  const flipped = panel("Flipped", flippedGrid);
  const input = panel("Input", inputGrid);
  const result = panel("dx", resultGrid);
  [kernel, flipped].forEach(({ element }) => element.classList.add("weights"));
  return {
    element: h("div", { class: "stage" }, input.element, dout.element, kernel.element, flipped.element, sign("="), result.element),
    cell: (inner, { padded, dout: above, kernel: weights, width, name }) => stageCell(inner,
      name === "dx" ? [above[0].length, weights[0].length, weights[0].length, width] : [padded[0].length, above[0].length, width]),
    update({ state, now, shown, tint }) {
      const pixelMode = state.target === "pixel";
      const through = new Map(now.mine.map(({ i, j, weight }) => [`${i},${j}`, weight]));
      const read = new Map(now.mine.map(({ row, column, i, j }) => [`${row},${column}`, now.dout[i][j]]));
      doutGrid.update(now.dout.map((row, i) => row.map((value, j) => {
        const weight = pixelMode ? through.get(`${i},${j}`) : undefined;
        const tapped = weight === undefined ? {} : { look: "tap", small: ghost(weight) };
        return { value, tint: tint.of(value), edit: [i, j], ...tapped,
          label: `dout[${i}, ${j}]: ${full(value)}${weight === undefined ? "" : `, through weight ${full(weight)}`}` };
      })));
      kernelGrid.update(weightCells(now.kernel, tint));
      flippedGrid.update(weightCells(rotate(now.kernel), tint, false));
      const cells = inputCells(now, tint, (r, c) => (pixelMode ? undefined : read.get(`${r},${c}`)));
      const tapped = (cell) => ({ ...cell, look: `${cell.look} ${cell.small ? "tap" : ""}` });
      inputGrid.update(cells.map((row) => row.map(tapped)), { marks: [imageFrame(now.shape)] });
      resultGrid.update(resultCells(shown, tint, now.name), { at: now.at, marks: [{ row: now.at[0], column: now.at[1], look: "" }] });
      input.element.hidden = pixelMode;
      kernel.element.hidden = !pixelMode;
      flipped.element.hidden = !pixelMode;
      result.name.textContent = now.name;
      dout.size.textContent = sized(now.dout);
      input.size.textContent = sized(now.image);
      result.size.textContent = sized(now.result);
      kernel.size.textContent = sized(now.kernel);
      result.foot.replaceChildren(tag(`${now.name}[${now.at.join(", ")}]`));
    },
  };
}

// im2col: the patch matrix fills row by row; times the kernel as a column it gives the output as a column.
function productBlock() {
  const patches = numberGrid({ label: "Patch matrix, one window a row", still: true });
  const column = numberGrid({ label: "Kernel as a column", still: true });
  const out = numberGrid({ label: "Output as a column", still: true });
  const left = panel("Patches", patches);
  const middle = panel("k", column);
  const right = panel("out", out);
  middle.element.classList.add("weights");
  const scroller = h("div", { class: "stage product", role: "group", "aria-label": "Patches times kernel", tabindex: 0 },
    left.element, sign("\u00b7"), middle.element, sign("="), right.element);
  return {
    element: scroller,
    update({ state, now, shown, tint }) {
      const rows = im2col(now.image, now.kernel, state);
      const flat = shown.flat();
      const look = (index) => (index === state.step ? "" : "past");
      patches.update(rows.map((row, index) => row.map((value, k) => {
        const reached = index <= state.step || flat[index].value !== null;
        return { value: reached ? value : null, tint: reached ? tint.of(value) : 0, look: look(index), label: reached ? full(value) : "empty", k };
      })), { marks: [{ row: state.step, column: 0, width: rows[0].length, look: "" }] });
      column.update(now.kernel.flat().map((value) => [{ value, tint: tint.of(value), label: full(value) }]));
      out.update(resultCells(flat.map((cell) => [cell]), tint, "out"), { marks: [{ row: state.step, column: 0, look: "" }] });
      left.size.textContent = `${rows.length}\u00d7${rows[0].length}`;
      scroller.scrollTop = ((state.step + 1) / rows.length) * scroller.scrollHeight - scroller.clientHeight / 2;
    },
  };
}

function sumBlock({ check, show, next }) {
  const lines = h("tbody");
  const result = h("div", { class: "result", "aria-hidden": "true" });
  const onkeydown = (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // else the same key press goes on to the button that gets the focus
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
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0; // so that the keys can scroll it
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

// One group of terms, a table row for every kernel row in it, its sum behind the last.
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

function settingsBlock(change, stopAnd, store) {
  const set = (name, read = (text) => text) => stopAnd((text) => change({ [name]: read(text) }));
  const padding = (text) => (text === "valid" || text === "same" ? text : Number(text));
  const choices = (presets) => [...Object.entries(presets).map(([name, [text]]) => [name, text]), ["custom", "your own"]];
  const image = select("Image", choices(IMAGES), stopAnd((name) => {
    const plane = IMAGES[name]?.[1];
    if (plane) change({ step: 0, ...(isStacked(store.state) ? stack(plane, kernelPlane(store.state.kernel)) : { image: plane }) });
  }));
  const kernel = select("Kernel", choices(KERNELS), stopAnd((name) => {
    const plane = KERNELS[name]?.[1];
    if (plane) change(isStacked(store.state) ? stack(imagePlane(store.state.image), plane) : { kernel: plane });
  }));
  const stride = select("Stride", ["1", "2", "3", "4"].map((n) => [n, n]), set("stride", Number));
  const pad = select("Padding", PADDINGS, set("padding", padding));
  const mode = select("Padding holds", MODES, set("pad_mode"));
  const dilation = select("Dilation", ["1", "2", "3"].map((n) => [n, n]), set("dilation", Number));
  const filter = select("Filter", [], set("filter", Number));
  const predict = h("input", { type: "checkbox", onchange: () => stopAnd(change)({ predict: predict.checked }) });
  const fields = [image, kernel, stride, pad, mode, dilation, filter].map(({ element }) => element);
  const element = h("details", { class: "settings controls" }, h("summary", {}, "Image, kernel and settings"),
    h("div", { class: "fields" }, fields, h("label", { class: "check" }, predict, h("span", {}, "Predict first"))));
  element.open = !matchMedia("(max-width: 559px)").matches;
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const presetOf = (presets, plane) => Object.keys(presets).find((name) => same(presets[name][1], plane)) ?? "custom";
  return {
    element,
    update(state) {
      const filters = state.bias?.length ?? 0;
      if (filter.control.length !== filters) filter.control.replaceChildren(...range(filters).map((f) => h("option", { value: f }, f)));
      filter.element.hidden = filters < 2;
      image.control.value = presetOf(IMAGES, imagePlane(state.image));
      kernel.control.value = presetOf(KERNELS, kernelPlane(state.kernel, 0, state.filter));
      stride.control.value = state.stride;
      pad.control.value = state.padding;
      mode.control.value = state.pad_mode;
      dilation.control.value = state.dilation;
      filter.control.value = state.filter;
      predict.checked = state.predict;
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

// The size formula with today's numbers; those that the last change altered are marked.
function formulaBlock() {
  const sizes = h("div");
  const parameters = h("div");
  const element = h("div", { class: "formula" }, sizes, parameters);
  let before = null;
  let marked = [];
  const numbers = ({ rows, columns, stride, dilation }) => [rows, columns].flatMap((edge) =>
    [edge.size, edge.before, edge.after, dilation, edge.kernel, stride, edge.out]);
  return {
    element,
    update(shape, counted) {
      parameters.textContent = counted;
      const values = numbers(shape);
      if (before && values.join() !== before.join()) marked = values.map((value, index) => value !== before[index]);
      if (before && values.join() === before.join()) return;
      before = values;
      const show = (index) => (marked[index] ? h("mark", {}, String(values[index])) : String(values[index]));
      const square = values.slice(0, 7).join() === values.slice(7).join();
      const line = (name, at) => h("div", {}, h("span", { class: "soft" }, `${name} `),
        "\u230a(", show(at), " + ", show(at + 1), " + ", show(at + 2), " \u2212 ", show(at + 3),
        "\u00b7(", show(at + 4), " \u2212 1) \u2212 1) / ", show(at + 5), "\u230b + 1 = ", h("b", {}, show(at + 6)));
      sizes.replaceChildren(
        h("div", { class: "soft" },
          "Output size = \u230a(input + padding before + after \u2212 dilation\u00b7(kernel \u2212 1) \u2212 1) / stride\u230b + 1"),
        line(square ? "height and width" : "height", 0), square ? "" : line("width", 7));
    },
  };
}

const LOOK = `
.cell small { position: absolute; right: 4px; bottom: 3px; color: var(--weight); font-size: 11px; line-height: 13px; font-weight: 600; }
.cell:has(small:not(:empty)) span { transform: translate(-3px, -4px); }
.tag { display: inline-block; padding: 0 .35em; border: 2px solid var(--link); border-radius: 4px;
  color: var(--link); font-weight: 600; white-space: nowrap; }
.cell.ring { background: var(--wash); color: var(--soft); cursor: default; }
.cell.skip { background-image: repeating-linear-gradient(45deg, color-mix(in srgb, var(--edge) 60%, transparent) 0 1px, transparent 1px 7px); }
.cell.skip span { padding: 0 3px; border-radius: 3px; background: var(--paper); }
@media (forced-colors: active) { .cell.skip { border: 3px dotted; } }
.weights .cell, .weight { color: var(--weight); }
.weights .cell { font-weight: 600; }
.cell.tap { box-shadow: inset 0 0 0 1px var(--link); }
.frames i.wide { border-style: dashed; border-width: 2px; }
.frames i.image { z-index: 1; border: 1px solid var(--edge); border-radius: 0; transition: none; }
.sum { width: fit-content; max-width: 100%; margin: .8rem auto 0; overflow-x: auto; }
.sum table { border-collapse: collapse; }
.sum td { padding: 1px .2em; text-align: right; white-space: nowrap; }
.sum td.name { padding: 0 .7em 0 0; color: var(--soft); font-size: 13px; text-align: left; }
.sum td.part { padding-left: .5em; font-weight: 600; }
.total { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; min-height: 53px;
  margin-top: 4px; padding-top: 4px; border-top: 1px solid var(--line); }
.result { display: flex; flex-wrap: wrap; align-items: center; gap: .15rem .5rem; }
.result b { min-width: 2em; padding: 2px .5em; border: 3px solid var(--link); border-radius: 4px; font-size: 18px; text-align: center; }
@media not print { .asked b { display: none; } }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: .5rem .7rem; }
.check { display: flex; align-items: center; gap: .5rem; min-height: 44px; align-self: end; cursor: pointer; }
.check input { width: 20px; height: 20px; margin: 0 0 0 2px; accent-color: var(--link); }
.answer { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; }
.answer input { width: 5.5em; font-size: 16px; cursor: text; text-align: center; }
.note { min-height: 1.45em; margin-top: .25rem; text-align: center; }
.settings { margin-top: .8rem; padding-top: .3rem; border-top: 1px solid var(--line); }
.settings summary { display: flex; align-items: center; min-height: 44px; cursor: pointer; font-weight: 600; }
.settings summary::before { content: "\\25B8"; width: 1.2em; color: var(--soft); }
.settings[open] summary::before { content: "\\25BE"; }
.formula { margin-top: .7rem; overflow-wrap: anywhere; }
.formula mark { padding: 0 .15em; border-bottom: 3px solid var(--link); background: var(--wash); color: inherit; font-weight: 700; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .8rem; margin-top: .5rem; }
.scale { display: inline-block; width: 84px; height: 12px; margin: 0 .4em; border: 1px solid var(--edge); vertical-align: -1px;
  background: linear-gradient(90deg, var(--under), var(--paper), var(--above)); }
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
  .formula { font-size: 14px; }
  .note { text-align: start; }
}
`;

export function render({ model, el }) {
  return mount(el, model);
}

defineElement("conv-stepper", mount);

export default { render };
