// A grid of numbers that the reader can edit, pick and move through. Its CSS is GRID_STYLE.

import { ARROWS, h } from "./elements.js";
import { clamp, full, parseNumber, short, tidy } from "./numbers.js";

// update(rows): cells { value, text?, small?, label, look?, tint?, edit? }; a null value leaves the cell empty.
// edit is the [row, column] that onedit gets; a cell without it cannot be edited. With onpick the first tap picks the cell and
// the second edits it. onmove gets the arrow keys; without it they move the focus.
// marks are outlines over the cells: { row, column, height?, width?, look? }.
export function numberGrid({ label, onedit, onreject, onpick, onmove, still }) {
  const body = h("div", { class: "grid", role: still ? "table" : "grid", "aria-label": label });
  const frames = h("div", { class: "frames", "aria-hidden": "true" });
  let nodes = [];
  let cells = [];
  let active = [0, 0];
  let input;
  let pressed;

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

  // Only the active cell can be reached with Tab.
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
    const cell = target.closest(".cell");
    cell.focus();
    if (onpick && !(onedit && cell === pressed)) onpick(...active);
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
    // Remembers which cell had the focus before the press moves it.
    body.addEventListener("pointerdown", () => (pressed = inside() && nodes[active[0]][active[1]]));
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

export const GRID_STYLE = `
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
.cell:focus-visible { outline-offset: -3px; }
@media (prefers-reduced-motion: reduce) { .frames i { transition: none; } }
@media (forced-colors: active) { .frames i { border-color: Highlight; } }
`;
