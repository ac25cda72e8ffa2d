// What every widget of the book needs. base.py puts this text in front of a widget's module,
// because an inline module cannot import: every export here is a plain name there.

// ---------------------------------------------------------------- elements

export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}

// With a path the button shows that icon, and its label is read out and shown on hover.
export function button(label, onclick, path) {
  const element = h("button", { type: "button", onclick }, label);
  if (path) {
    element.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg>`;
    element.ariaLabel = element.title = label;
  }
  return element;
}

export function select(label, options, onchange) {
  const control = h("select", { "aria-label": label, onchange: () => onchange(control.value) },
    options.map(([value, text]) => h("option", { value }, text)));
  return { control, element: h("label", { class: "field" }, h("span", {}, label), control) };
}

export function panel(title, grid) {
  const size = h("span", { class: "size" });
  const foot = h("div", { class: "foot" });
  const name = h("b", {}, title);
  const element = h("div", { class: "panel" }, h("div", { class: "head" }, name, " ", size), grid.element, foot);
  return { element, size, foot, name };
}

// ---------------------------------------------------------------- numbers

export const LIMIT = 1e6;
export const clamp = (value, top) => Math.max(0, Math.min(top, value));
const minus = (text) => text.replace("-", "\u2212");

// Sums of decimals carry rounding noise in the last bits: 12 digits are more than any reader typed.
export const tidy = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(12))) || 0;
export const full = (value) => minus(String(tidy(value)));

// At most about `digits` characters; \u2248 in front when that is not the whole number.
export function short(value, digits = 6) {
  const exact = tidy(value);
  if (full(exact).length <= digits + 1) return full(exact);
  let text = String(Number(exact.toPrecision(digits > 5 ? 4 : 2)));
  if (text.length > digits + 1) text = exact.toExponential(1).replace("e+", "e").replace(".0", "");
  return (Number(text) === exact ? "" : "\u2248") + minus(text);
}

// The number a reader meant, or null: never NaN, infinity, minus zero or a number the figure cannot hold.
export function parseNumber(text) {
  const value = Number(text.trim().replace("\u2212", "-").replace(",", ".") || NaN);
  return Math.abs(value) <= LIMIT ? Number(value.toFixed(6)) || 0 : null;
}

// ---------------------------------------------------------------- state as text

// "2", "same", "true", JSON, or rows of digits: 101/010/101, or of numbers: 1_0_-1/2_0_-2
export function parseValue(text) {
  if (text.includes("/")) {
    return text.split("/").map((row) => (row.includes("_") ? row.split("_") : [...row]).map(Number));
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// "#conv-hand:stride=2,padding=same" for the figure "conv-hand": { stride: 2, padding: "same" }; else null
export function parseFragment(hash, id) {
  if (!id || !hash.startsWith(`#${id}:`)) return null;
  const pairs = hash.slice(id.length + 2).split(",").map((pair) => pair.split("="));
  return Object.fromEntries(pairs.map(([name, value = ""]) => [name, parseValue(value)]));
}

// A link in the prose always takes effect, even when clicked twice, and adds no step to the history.
export function followFragment(host, id, apply) {
  const read = (hash) => {
    const changes = parseFragment(hash, id);
    if (changes) {
      apply(changes);
      host.scrollIntoView({ block: host.offsetHeight > innerHeight ? "start" : "nearest" });
    }
    return changes;
  };
  const onHash = () => read(location.hash);
  const onClick = (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (!link || event.ctrlKey || event.metaKey || !read(link.hash)) return;
    event.preventDefault();
    history.replaceState(history.state, "", link.hash);
  };
  addEventListener("hashchange", onHash);
  document.addEventListener("click", onClick);
  onHash();
  return () => {
    removeEventListener("hashchange", onHash);
    document.removeEventListener("click", onClick);
  };
}

// ---------------------------------------------------------------- model

// The page's stand-in for a Jupyter model: the same get, set and on.
function pageModel(values) {
  const listeners = {};
  return {
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      (listeners[`change:${name}`] ?? []).forEach((listener) => listener());
    },
    on: (event, listener) => (listeners[event] ??= []).push(listener),
  };
}

// One plain object of state, always cleaned, kept equal to the model's. Writes once per step or edit.
export function connect(model, defaults, clean, onchange) {
  const names = Object.keys(defaults);
  const read = () => clean(Object.fromEntries(names.map((name) => [name, model.get(name) ?? defaults[name]])));
  let writing = false;
  const store = {
    state: read(),
    set(changes) {
      store.state = clean({ ...store.state, ...changes });
      writing = true;
      for (const name of names) {
        if (JSON.stringify(model.get(name)) !== JSON.stringify(store.state[name])) model.set(name, store.state[name]);
      }
      writing = false;
      model.save_changes?.();
      onchange();
    },
    stop: () => names.forEach((name) => model.off?.(`change:${name}`, refresh)),
  };
  function refresh() {
    if (writing) return;
    store.state = read();
    onchange();
  }
  names.forEach((name) => model.on?.(`change:${name}`, refresh));
  return store;
}

// The element <tag> in a page: its attributes are the state.
export function defineElement(tag, mount) {
  if (customElements.get(tag)) return;
  customElements.define(tag, class extends HTMLElement {
    connectedCallback() {
      const values = { id: this.id };
      for (const { name, value } of this.attributes) values[name.replace("-", "_")] ??= parseValue(value);
      this.cleanup = mount(this, pageModel(values));
    }
    disconnectedCallback() {
      this.cleanup();
    }
  });
}

// ---------------------------------------------------------------- frame and theme

function currentTheme() {
  const named = document.documentElement.dataset.theme;
  if (named === "light" || named === "dark") return named;
  const jupyter = document.body?.dataset.jpThemeLight;
  if (jupyter) return jupyter === "true" ? "light" : "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function followTheme(element) {
  const apply = () => (element.dataset.theme = currentTheme());
  const observer = new MutationObserver(apply);
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] });
  }
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", apply);
  apply();
  return () => {
    observer.disconnect();
    preference.removeEventListener("change", apply);
  };
}

// The widget's own room: a shadow root, so that neither the page's styles nor the fallback picture reach in.
export function frame(root, label, style) {
  const shadow = root.shadowRoot ?? root.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [STYLE, style].map((text) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  const element = h("div", { class: "widget", role: "group", "aria-label": label });
  shadow.replaceChildren(element);
  return { element, stop: followTheme(element) };
}

// The sentence that says what the picture shows; silent while playing.
export function statusLine() {
  const element = h("p", { class: "unseen", role: "status" });
  return {
    element,
    say(text, playing) {
      element.ariaLive = playing ? "off" : "polite";
      if (element.textContent !== text) element.textContent = text;
    },
  };
}

// ---------------------------------------------------------------- grid of numbers

export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// update(rows): cells { value, text?, small?, label, look?, tint?, edit? }; a null value leaves the cell empty.
// edit is the [row, column] handed to onedit; onmove takes the arrow keys, else they move the focus.
// marks are outlines drawn over the cells: { row, column, height?, width?, look? }.
export function numberGrid({ label, onedit, onreject, onpick, onmove, still }) {
  const body = h("div", { class: "grid", role: still ? "table" : "grid", "aria-label": label });
  const frames = h("div", { class: "frames", "aria-hidden": "true" });
  let nodes = [];
  let cells = [];
  let active = [0, 0];
  let input;

  const inside = () => body.matches(":focus-within");

  function build(rows) {
    const had = inside();
    input = null;
    nodes = rows.map((row) => row.map(() => h("div", { role: still ? "cell" : "gridcell" }, h("span"), h("small"))));
    body.replaceChildren(...nodes.map((row) => h("div", { role: "row" }, ...row)));
    activate(...active);
    if (had) focus();
  }

  function paint(node, { value, text = "", small = "", label: name, look = "", tint = 0 }) {
    const shown = value == null ? text : short(value, 4);
    node.className = `cell ${look}${shown.length > 3 ? " long" : ""}${tint < 0 ? " below" : ""}`;
    if (node.firstChild.textContent !== shown) node.firstChild.textContent = shown;
    node.lastChild.textContent = small;
    node.ariaLabel = name;
    node.title = shown.includes("\u2248") ? full(value) : "";
    node.style.setProperty("--tint", `${Math.round(100 * Math.abs(tint))}%`);
  }

  // Of all cells only the active one is a tab stop.
  function activate(row, column) {
    if (still) return;
    nodes.flat().forEach((node) => (node.tabIndex = -1));
    active = [clamp(row, nodes.length - 1), clamp(column, nodes[0].length - 1)];
    nodes[active[0]][active[1]].tabIndex = 0;
  }
  const focus = () => nodes[active[0]][active[1]].focus();

  function edit(typed) {
    const cell = cells[active[0]][active[1]];
    if (!cell.edit || !onedit) return;
    const before = String(tidy(cell.value));
    const field = h("input", { class: "edit", "aria-label": `New number for ${cell.label}`, autocomplete: "off" });
    const close = (keep) => {
      if (input !== field) return;
      input = null;
      const had = inside();
      field.remove();
      if (had) focus();
      if (!keep || field.value === before) return;
      const value = parseNumber(field.value);
      if (value === null) onreject(field.value);
      else onedit(cell.edit, value);
    };
    field.value = typed ?? before;
    field.addEventListener("blur", () => close(true));
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter" || event.key === "Escape") close(event.key === "Enter");
    });
    nodes[active[0]][active[1]].append(field);
    input = field;
    field.focus();
    if (typed === undefined) field.select();
  }

  function onfocus({ target }) {
    const row = nodes.findIndex((line) => line.includes(target));
    if (row >= 0) activate(row, nodes[row].indexOf(target));
  }

  function onclick({ target }) {
    if (target === input || target === body) return;
    target.closest(".cell").focus();
    if (onpick) onpick(...active);
    else edit();
  }

  function onkeydown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && onmove) onmove(...arrow);
    else if (arrow) {
      activate(active[0] + arrow[0], active[1] + arrow[1]);
      focus();
    } else if (event.key === "Enter" && onpick) onpick(...active);
    else if (onedit && /^([-\d.]|Enter|F2)$/.test(event.key)) edit(event.key[1] ? undefined : event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  if (!still) {
    body.addEventListener("focusin", onfocus);
    body.addEventListener("click", onclick);
    body.addEventListener("keydown", onkeydown);
  }
  return {
    element: h("div", { class: "holder" }, body, frames),
    update(rows, { at, marks = [] } = {}) {
      if (nodes.length !== rows.length || nodes[0].length !== rows[0].length) build(rows);
      cells = rows;
      rows.forEach((row, r) => row.forEach((cell, c) => paint(nodes[r][c], cell)));
      if (at && at.join() !== active.join()) {
        activate(...at);
        if (inside()) focus();
      }
      while (frames.childElementCount < marks.length) frames.append(h("i"));
      [...frames.children].forEach((outline, index) => {
        const { row, column, height = 1, width = 1, look = "" } = marks[index] ?? { width: 0 };
        outline.hidden = !width;
        outline.className = look;
        outline.style.cssText = `--r:${row};--c:${column};--h:${height};--w:${width}`;
      });
    },
  };
}

// ---------------------------------------------------------------- transport bar

const PLAY = "M4 2.5v11L13.5 8z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";
const ON = "M4 3v10l8-5z";
const END = "M11 3h2v10h-2zM2 3v10l8-5z";

// go(step) is the only way the bar changes anything; update({ step, count }) is how it learns what is.
export function transport({ go, reset, onplaying }) {
  let step = 0;
  let count = 1;
  let timer = 0;
  let locked = false;
  const last = () => count - 1;
  const user = (target) => () => {
    const to = target();
    stop();
    go(clamp(to, last()));
  };
  const first = button("First step", user(() => 0), END);
  const back = button("One step back", user(() => step - 1), ON);
  const play = button("Play", () => toggle(), PLAY);
  const next = button("One step on", user(() => step + 1), ON);
  const end = button("Last step", user(last), END);
  const scrubber = h("input", { type: "range", min: 0, "aria-label": "Step", oninput: user(() => scrubber.value) });
  const place = h("span", { class: "count" });
  const speed = select("Speed", [[1600, "\u00bd\u00d7"], [800, "1\u00d7"], [300, "3\u00d7"]], () => {});
  speed.control.value = 800;
  play.className = "main";
  first.className = back.className = "turned";

  const wait = () => (timer = setTimeout(tick, speed.control.value));
  function tick() {
    go(step + 1);
    if (step >= last()) stop();
    else if (timer) wait();
  }
  function show() {
    play.ariaLabel = play.title = timer ? "Pause" : "Play";
    play.querySelector("path").setAttribute("d", timer ? PAUSE : PLAY);
    onplaying();
  }
  function stop() {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    show();
  }
  function toggle() {
    if (timer) stop();
    else if (!locked && count > 1) {
      wait();
      if (step >= last()) go(0);
      show();
    }
  }
  return {
    element: h("div", { class: "transport controls" },
      h("div", { class: "buttons" }, first, back, play, next, end),
      scrubber, place, speed.element, button("Reset", () => { stop(); reset(); })),
    toggle,
    stop,
    playing: () => timer !== 0,
    update(now) {
      ({ step, count, locked = false } = now);
      scrubber.max = last();
      scrubber.value = step;
      scrubber.ariaValueText = place.textContent = `${step + 1} of ${count}`;
      first.ariaDisabled = back.ariaDisabled = step === 0;
      next.ariaDisabled = end.ariaDisabled = step >= last();
      play.ariaDisabled = locked || count < 2;
    },
  };
}

// ---------------------------------------------------------------- style

export const STYLE = `
:host { display: block; margin: 1.25rem 0; scroll-margin-top: 4.5rem; }
[hidden] { display: none !important; }
.widget {
  --paper: #fff; --ink: #1b2430; --soft: #556070; --line: #d5dbe3; --edge: #7b8796; --wash: #f3f5f8;
  --link: #1a56c4; --weight: #7a3f00; --above: #b9c6d6; --under: #f0c5ae; color-scheme: light;
  container-type: inline-size; break-inside: avoid; padding: 1rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--paper); color: var(--ink); font-size: 15px; line-height: 1.45; font-variant-numeric: tabular-nums;
}
@media not print {
  .widget[data-theme="dark"] {
    --paper: #171c23; --ink: #e8ecf1; --soft: #a6b1be; --line: #39434f; --edge: #808c9a; --wash: #212832;
    --link: #85b5ff; --weight: #f2b76e; --above: #3d4c5e; --under: #623d2c; color-scheme: dark;
  }
}
*, *::before { box-sizing: border-box; }
p { margin: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft, .size, .foot, .field > span, .count { color: var(--soft); font-size: 13px; }

button, select, .text {
  min-height: 44px; min-width: 44px; margin: 0; padding: 0 .75em; border: 1px solid var(--edge); border-radius: 7px;
  background: var(--paper); color: inherit; font: inherit; cursor: pointer; touch-action: manipulation;
}
button:hover, select:hover { background: var(--wash); }
button.main, button[aria-pressed="true"] { border-color: var(--link); background: var(--link); color: var(--paper); }
button[aria-disabled="true"] { border-color: var(--line); background: none; color: var(--edge); cursor: default; }
.turned svg { scale: -1; }
svg { display: block; width: 16px; height: 16px; margin: auto; fill: currentColor; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.cell:focus-visible { outline-offset: -3px; }
.field { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
.field select { width: 100%; padding: 0 .4rem; }

.views { display: flex; margin-bottom: .9rem; }
.views button { border-radius: 0; margin-left: -1px; padding: 0 .85rem; }
.views button:first-child { border-radius: 7px 0 0 7px; }
.views button:last-child { border-radius: 0 7px 7px 0; }
.stage { display: flex; flex-wrap: wrap; justify-content: center; align-items: center; gap: .9rem 1rem; }
.panel { width: min-content; max-width: 100%; }
.head { margin-bottom: 4px; white-space: nowrap; }
.foot { min-height: 23px; margin-top: 4px; }
.sign { width: 14px; color: var(--soft); font-size: 22px; text-align: center; }
.holder { position: relative; width: max-content; max-width: 100%; overflow-x: auto; }
.grid::after { content: ""; position: absolute; inset: 0; border: 1px solid var(--line); pointer-events: none; }
.grid [role="row"] { display: flex; }
.cell {
  position: relative; display: flex; flex: none; align-items: center; justify-content: center; width: var(--cell); height: var(--cell);
  background: color-mix(in srgb, var(--above) var(--tint, 0%), var(--paper)); box-shadow: inset -1px -1px var(--line);
  font-size: 16px; user-select: none;
}
.cell.below { background: color-mix(in srgb, var(--under) var(--tint, 0%), var(--paper)); }
.cell.long { font-size: 12px; }
[role="gridcell"] { cursor: pointer; }
.edit { position: absolute; inset: 0; z-index: 4; width: 100%; height: 100%; padding: 0; border: 2px solid var(--link);
  border-radius: 0; outline: none; background: var(--paper); color: var(--ink); font: inherit; font-size: 16px; text-align: center; }
.frames i { position: absolute; z-index: 2; left: calc(var(--c) * var(--cell)); top: calc(var(--r) * var(--cell));
  width: calc(var(--w) * var(--cell)); height: calc(var(--h) * var(--cell)); border: 3px solid var(--link); border-radius: 4px;
  pointer-events: none; transition: left .16s, top .16s; }
@media (prefers-reduced-motion: reduce) { .frames i { transition: none; } }

.transport { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-top: .6rem; }
.buttons { display: flex; gap: 4px; }
.transport input { flex: 1 1 60px; min-width: 0; height: 44px; margin: 0; accent-color: var(--link); }
.transport .field { flex-direction: row; align-items: center; gap: 6px; }
.count { min-width: 4.6em; text-align: center; }
@container (max-width: 559px) {
  .sign { display: none; }
  .stage { justify-content: flex-start; align-items: flex-start; gap: .6rem 1rem; }
  .buttons { flex: 1 0 100%; }
  .buttons button { flex: 1; }
  .transport .field span { display: none; }
  .views button { flex: 1 1 auto; padding: 0 .2rem; }
}
@media (max-width: 480px) { .widget { padding: 0; border: 0; background: none; } }
@media (forced-colors: active) {
  .frames i { border-color: Highlight; }
  button[aria-pressed="true"], button.main { border-width: 3px; }
}
@media print {
  .controls { display: none !important; }
}
`;
