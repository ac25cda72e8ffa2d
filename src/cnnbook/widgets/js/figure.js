// What every widget does: figure() keeps its state, follows links, keys, resizing, print and the theme, and says a status
// sentence. defineElement() makes the widget an element of the page.

import { ARROWS, h } from "./elements.js";
import { full, LIMIT } from "./numbers.js";

// ---------------------------------------------------------------- state as text

// A value written as JSON ("2", "true", "[1,2]"), as rows of digits (101/010/101), as rows of numbers (1_0_-1/2_0_-2), or as
// a word.
export function parseValue(text) {
  try {
    return JSON.parse(text);
  } catch {
    if (!/^[-\d._]+(\/[-\d._]+)+$/.test(text)) return text;
    return text.split("/").map((row) => (row.includes("_") ? row.split("_") : [...row]).map(Number));
  }
}

// For the figure "conv-hand", "#conv-hand:stride=2,padding=same" is { stride: 2, padding: "same" }; for any other it is null.
function parseFragment(hash, id) {
  if (!id || !hash.startsWith(`#${id}:`)) return null;
  const pairs = hash.slice(id.length + 2).split(",").map((pair) => pair.split("="));
  return Object.fromEntries(pairs.map(([name, value = ""]) => [name, parseValue(value)]));
}

// Applies the state that the address or a clicked link holds. A link works every time it is clicked, and adds no entry to
// the browser's history.
function followFragment(host, id, apply) {
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

// A model for a page without Jupyter, with the same get, set and on.
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

// Keeps one cleaned state object, equal to the state of the model. One change of the state saves the model once.
function connect(model, defaults, clean, onchange) {
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

// Defines the element <tag>, whose attributes are the state. Outside a browser, as in Node, it does nothing.
export function defineElement(tag, mount) {
  if (!globalThis.customElements || customElements.get(tag)) return;
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

// The shadow root of the widget. It hides the fallback picture and keeps the styles of the page out.
function frame(root, label, style) {
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

// The sentence that says what the picture shows. Screen readers read it aloud, except while the figure plays.
function statusLine() {
  const element = h("p", { class: "unseen", role: "status" });
  return {
    element,
    say(text, playing) {
      element.ariaLive = playing ? "off" : "polite";
      if (element.textContent !== text) element.textContent = text;
    },
  };
}

// ---------------------------------------------------------------- figure

// Use it in mount(): const fig = figure(root, model, ...); build the controls; fig.element.append(...);
// return fig.start({ draw, ... }).
export function figure(root, model, { label, style, defaults, clean }) {
  const ui = frame(root, label, style);
  const paper = matchMedia("print");
  const status = statusLine();
  const note = h("p", { class: "note soft", "aria-hidden": "true" });
  let message = "";
  let coming = "";
  let redraw;
  const store = connect(model, defaults, clean, () => {
    message = coming;
    coming = "";
    redraw();
  });
  const initial = store.state;
  const fig = {
    element: ui.element,
    note,
    status: status.element,
    initial,
    get state() { return store.state; },
    get narrow() { return ui.element.clientWidth < 560; },
    get printed() { return paper.matches; },
    get width() { return ui.element.clientWidth - 2 * parseFloat(getComputedStyle(ui.element).paddingLeft); },
    // Changes the state. `text`, if given, replaces the remark until the next change.
    set(changes, text = "") {
      coming = text;
      store.set(changes);
    },
    reset: () => fig.set(initial),
    warn(text) {
      message = text;
      redraw();
    },
    refuse: (text) => fig.warn(`${text.trim() ? `\u201c${text.trim().slice(0, 20)}\u201d` : "Nothing"} is not a number between `
      + `${full(-LIMIT)} and ${full(LIMIT)}: the old one stays.`),
    // The remark is shown and read aloud. The sum is only read aloud, because the picture shows it.
    say(remark, sum = "", playing = false) {
      note.textContent = message || remark;
      status.say(`${message || remark} ${sum}`.trim(), playing);
    },
    // Calls draw() after every change of the state, resize() after a change of width, move(rows, columns) for the arrow
    // keys, go(0) for Home, go(Infinity) for End and bar.toggle() for Space. Returns a function that removes all listeners.
    start({ draw, move, go, bar, resize = () => {} }) {
      redraw = () => {
        draw();
        resize();
      };
      const onkeydown = (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
        const arrow = ARROWS[event.key];
        if (arrow && move) move(...arrow);
        else if (event.key === " " && bar && !event.target.closest("button, summary, a")) bar.toggle();
        else if (event.key === "Home" && go) go(0);
        else if (event.key === "End" && go) go(Infinity);
        else return;
        event.preventDefault();
        event.stopPropagation();
      };
      const observer = new ResizeObserver(resize);
      ui.element.addEventListener("keydown", onkeydown);
      observer.observe(ui.element);
      paper.addEventListener("change", redraw);
      redraw();
      const unfollow = followFragment(root, model.get("id"), (changes) => {
        bar?.stop();
        fig.set({ ...initial, ...changes });
      });
      return () => {
        bar?.stop();
        store.stop();
        unfollow();
        ui.stop();
        observer.disconnect();
        paper.removeEventListener("change", redraw);
      };
    },
  };
  return fig;
}

// ---------------------------------------------------------------- style

export const STYLE = `
:host { display: block; margin: 1.25rem 0; scroll-margin-top: 4.5rem; }
[hidden] { display: none !important; }
.widget {
  --paper: #fff; --ink: #1b2430; --soft: #556070; --line: #d5dbe3; --edge: #7b8796; --wash: #f3f5f8;
  --link: #1a56c4; --weight: #7a3f00; --above: #b9c6d6; --under: #f0c5ae; --pos: #0b5394; --neg: #c2480f; color-scheme: light;
  container-type: inline-size; break-inside: avoid; padding: 1rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--paper); color: var(--ink); font-size: 15px; line-height: 1.45; font-variant-numeric: tabular-nums;
}
@media not print {
  .widget[data-theme="dark"] {
    --paper: #171c23; --ink: #e8ecf1; --soft: #a6b1be; --line: #39434f; --edge: #808c9a; --wash: #212832;
    --link: #85b5ff; --weight: #f2b76e; --above: #3d4c5e; --under: #623d2c; --pos: #6cb2f7; --neg: #f2855a; color-scheme: dark;
  }
}
*, *::before { box-sizing: border-box; }
p { margin: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.soft, .size, .foot, .field > span { color: var(--soft); font-size: 13px; }

button, select, .text {
  min-height: 44px; min-width: 44px; margin: 0; padding: 0 .75em; border: 1px solid var(--edge); border-radius: 7px;
  background: var(--paper); color: inherit; font: inherit; cursor: pointer; touch-action: manipulation;
}
button:hover, select:hover { background: var(--wash); }
button.main, button[aria-pressed="true"] { border-color: var(--link); background: var(--link); color: var(--paper); }
button[aria-disabled="true"] { border-color: var(--line); background: none; color: var(--edge); cursor: default; }
button svg { display: block; width: 16px; height: 16px; margin: auto; fill: currentColor; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.field { display: flex; flex-direction: column; gap: 2px; min-width: 0; }
.field select, .field .text { width: 100%; padding: 0 .4rem; }
.field input[type="range"] { width: 100%; height: 44px; margin: 0; accent-color: var(--link); }
.text { font-size: 16px; cursor: text; text-align: center; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: .5rem .7rem; }
.check { display: flex; align-items: center; gap: .5rem; min-height: 44px; align-self: end; cursor: pointer; }
.check input { width: 20px; height: 20px; margin: 0 0 0 2px; accent-color: var(--link); }
.note { min-height: 1.45em; margin-top: .25rem; text-align: center; }
.settings { margin-top: .8rem; padding-top: .3rem; border-top: 1px solid var(--line); }
.settings summary { display: flex; align-items: center; min-height: 44px; cursor: pointer; font-weight: 600; }
.settings summary::before { content: "\\25B8"; width: 1.2em; color: var(--soft); }
.settings[open] summary::before { content: "\\25BE"; }
.legend { display: flex; flex-wrap: wrap; align-items: center; gap: .2rem .8rem; margin-top: .5rem; }
.scale { display: inline-block; width: 84px; height: 12px; margin: 0 .4em; border: 1px solid var(--edge); vertical-align: -1px;
  background: linear-gradient(90deg, var(--under), var(--paper), var(--above)); }
div.result { display: flex; flex-wrap: wrap; align-items: center; gap: .15rem .5rem; }
div.result b { min-width: 2em; padding: 2px .5em; border: 3px solid var(--link); border-radius: 4px; font-size: 18px; text-align: center; }
@media not print { div.asked b { display: none; } }
.pixels { width: 100%; height: auto; border: 1px solid var(--edge); }

.views { display: flex; margin-bottom: .9rem; }
.views button { border-radius: 0; margin-left: -1px; padding: 0 .85rem; }
.views button:first-child { border-radius: 7px 0 0 7px; }
.views button:last-child { border-radius: 0 7px 7px 0; }
.stage { display: flex; flex-wrap: wrap; justify-content: center; align-items: center; gap: .9rem 1rem; }
.panel { width: min-content; max-width: 100%; }
.head { margin-bottom: 4px; white-space: nowrap; }
.foot { min-height: 23px; margin-top: 4px; }
.sign { width: 14px; color: var(--soft); font-size: 22px; text-align: center; }

@container (max-width: 559px) {
  .sign { display: none; }
  .stage { justify-content: flex-start; align-items: flex-start; gap: .6rem 1rem; }
  .views button { flex: 1 1 auto; padding: 0 .2rem; }
  .note { text-align: start; }
}
@media (max-width: 480px) { .widget { padding: 0; border: 0; background: none; } }
@media (forced-colors: active) {
  button[aria-pressed="true"], button.main { border-width: 3px; }
}
@media print {
  .controls { display: none !important; }
}
`;
