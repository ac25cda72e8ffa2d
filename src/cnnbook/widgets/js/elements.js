// The elements of a widget. h and s make an HTML and an SVG element. A control (select, check, slider, number, choices) is
// at least 44 px high and comes as { element, update }: append the element, and call update(value) whenever the state changes.

import { full, parseNumber, tidy } from "./numbers.js";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.flat());
  return element;
}
export const h = (tag, props = {}, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);

// The arrow keys as steps of [rows, columns].
export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// With a path the button shows that icon; its label is then read aloud and shown on hover.
export function button(label, onclick, path) {
  const element = h("button", { type: "button", onclick }, label);
  if (path) {
    element.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg>`;
    element.ariaLabel = element.title = label;
  }
  return element;
}

const field = (label, ...inside) => h("label", { class: "field" }, h("span", {}, label), ...inside);

// options: [[value, text], ...]
export function select(label, options, onchange) {
  const control = h("select", { "aria-label": label, onchange: () => onchange(control.value) },
    options.map(([value, text]) => h("option", { value }, text)));
  return { control, element: field(label, control), update: (value) => (control.value = value) };
}

export function check(label, onchange) {
  const control = h("input", { type: "checkbox", onchange: () => onchange(control.checked) });
  const element = h("label", { class: "check" }, control, h("span", {}, label));
  return { control, element, update: (value) => (control.checked = value) };
}

// show(value) is the text beside the slider, which is also read aloud.
export function slider(label, { min, max, step = 1, show = full }, onchange) {
  const said = h("output");
  const control = h("input", { type: "range", min, max, step, "aria-label": label, oninput: () => onchange(Number(control.value)) });
  const update = (value) => {
    control.value = value;
    control.ariaValueText = said.textContent = show(value);
  };
  return { control, element: h("label", { class: "field" }, h("span", {}, `${label} `, said), control), update };
}

// A field for a number. Enter and leaving the field hand the number to onvalue; Escape, or text that is no number, restores
// the old one.
export function number(label, onvalue, onreject) {
  let shown = "";
  const control = h("input", {
    class: "text", "aria-label": label, autocomplete: "off",
    onchange() {
      const value = parseNumber(control.value);
      if (value === null) onreject(control.value);
      else onvalue(value);
      control.value = shown;
    },
    onkeydown: ({ key }) => key === "Escape" && (control.value = shown),
  });
  return { control, element: field(label, control), update: (value) => (control.value = shown = String(tidy(value))) };
}

// A choice between a few options { value: text }, as buttons side by side.
export function choices(label, options, onchange) {
  const all = Object.entries(options).map(([value, text]) => [value, button(text, () => onchange(value))]);
  return {
    element: h("div", { class: "views controls", role: "group", "aria-label": label }, all.map(([, control]) => control)),
    update: (now) => all.forEach(([value, control]) => (control.ariaPressed = String(value === String(now)))),
  };
}

// Controls that can be folded away; on a wide screen they start open.
export function settings(title, ...controls) {
  const element = h("details", { class: "settings controls" }, h("summary", {}, title),
    h("div", { class: "fields" }, controls.map((control) => control.element)));
  element.open = !matchMedia("(max-width: 559px)").matches;
  return element;
}

export function panel(title, grid) {
  const size = h("span", { class: "size" });
  const foot = h("div", { class: "foot" });
  const name = h("b", {}, title);
  const element = h("div", { class: "panel" }, h("div", { class: "head" }, name, " ", size), grid.element, foot);
  return { element, size, foot, name };
}

// ---------------------------------------------------------------- small pictures

// A picture of a matrix: update(rows, top) draws one square for each number, and `top` gets the full colour. A negative number
// has the other colour and a smaller square, so that its sign can be told without colour.
export function pixelMap(label) {
  const element = s("svg", { class: "pixels", role: "img", "aria-label": label });
  return {
    element,
    update(rows, top, said = label) {
      const levels = {};
      rows.forEach((row, r) => row.forEach((value, c) => {
        const level = Math.round(16 * Math.max(-1, Math.min(1, value / top))) || 0;
        const gap = level < 0 ? 0.18 : 0;
        const side = 1 - 2 * gap;
        if (level) levels[level] = `${levels[level] ?? ""}M${c + gap} ${r + gap}h${side}v${side}h${-side}z`;
      }));
      element.setAttribute("viewBox", `0 0 ${rows[0].length} ${rows.length}`);
      element.ariaLabel = said;
      element.replaceChildren(...Object.entries(levels).map(([level, d]) => {
        const [name, share] = [level < 0 ? "neg" : "pos", Math.abs(level) * 6.25];
        return s("path", { d, "shape-rendering": level < 0 ? "auto" : "crispEdges",
          style: `fill:color-mix(in srgb, var(--${name}) ${share}%, var(--paper))` });
      }));
    },
  };
}
