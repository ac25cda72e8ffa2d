// A line chart with ticks, a cursor and a key. Its CSS is CHART_STYLE. The look of a line is "a", "b", "c" or "d", with "thin"
// or "dots" added where wanted.

import { s } from "./elements.js";
import { full, range, tidy } from "./numbers.js";

// Round numbers from low to high, about `count` of them.
export function ticks(low, high, count) {
  const raw = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= raw * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1).map((index) => tidy((first + index) * step));
}

const RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";
const raised = (exponent) => [...String(exponent)].map((sign) => RAISED[sign] ?? "\u207b").join("");
export const power = (exponent) => (Math.abs(exponent) < 2 ? full(10 ** exponent) : `10${raised(exponent)}`);

// The line through the points as an SVG path, "M0 1L2 3". A missing value leaves a gap.
export function path(xs, ys, px, py) {
  let pen = "M";
  return ys.map((value, index) => {
    if (!Number.isFinite(value)) {
      pen = "M";
      return "";
    }
    const point = `${pen}${px(xs[index]).toFixed(1)} ${py(value).toFixed(1)}`;
    pen = "L";
    return point;
  }).join("");
}

// A short piece of a line, for the key of a chart.
export const sample = (look) => s("svg", { class: "sample", viewBox: "0 0 28 12", "aria-hidden": "true" },
  s("path", { class: `line ${look}`, d: "M1 6H27" }), ...(look.includes("dots") ? [s("circle", { class: look, cx: 14, cy: 6, r: 3.5 })] : []));

// onpick(x) is called when the reader touches or drags. update({ lines, x, y, cursor, said, width, height }):
// lines [{ xs, ys, look, end }], x and y { low, high, name, log, show }; `end` { text, at } is written where the line ends.
export function lineChart(onpick) {
  const element = s("svg", { class: "chart", role: "img" });
  let back = () => 0;
  const pick = (event) => onpick && event.buttons && onpick(back(event.clientX - element.getBoundingClientRect().left));
  element.addEventListener("pointerdown", pick);
  element.addEventListener("pointermove", pick);
  return {
    element,
    update({ lines, x, y, cursor, said, width, height = 170, right = 12 }) {
      const box = { left: 46, right: width - right, top: 10, bottom: height - 34 };
      const span = (high, low) => high - low || 1;
      const px = (value) => box.left + ((value - x.low) / span(x.high, x.low)) * (box.right - box.left);
      const scaled = y.log ? Math.log10 : (value) => value;
      const linear = (value) => box.bottom - ((value - y.low) / span(y.high, y.low)) * (box.bottom - box.top);
      const py = (value) => linear(scaled(value));
      back = (pixel) => x.low + ((pixel - box.left) / (box.right - box.left)) * span(x.high, x.low);
      const rows = y.log ? ticks(y.low, y.high, 8).filter(Number.isInteger).map((n) => [10 ** n, power(n)])
        : ticks(y.low, y.high, 4).map((value) => [value, full(value)]);
      const columns = ticks(x.low, x.high, width < 340 ? 4 : 6).filter((value) => !x.whole || Number.isInteger(value));
      const text = (content, at) => s("text", at, content);
      const inside = (ys) => ys.map((value) => (y.log && !(value > 0) ? NaN : value ?? NaN));
      element.setAttribute("viewBox", `0 0 ${width} ${height}`);
      element.style.width = `${width}px`;
      element.ariaLabel = said;
      element.replaceChildren(
        s("path", { class: "rule", d: rows.map(([value]) => `M${box.left} ${py(value).toFixed(1)}H${box.right}`).join("") }),
        s("path", { class: "axis", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }),
        ...rows.map(([value, shown]) => text(shown, { x: box.left - 6, y: py(value) + 4, "text-anchor": "end" })),
        ...columns.map((value) => text((x.show ?? full)(value), { x: px(value), y: box.bottom + 16, "text-anchor": "middle" })),
        text(x.name, { x: box.right, y: height - 3, "text-anchor": "end" }),
        ...(cursor == null ? [] : [s("path", { class: "cursor", d: `M${px(cursor).toFixed(1)} ${box.top}V${box.bottom}` })]),
        ...lines.flatMap(({ xs, ys, look, end }) => {
          const values = inside(ys);
          const last = values.findLastIndex(Number.isFinite);
          return [
            s("path", { class: `line ${look}`, d: path(xs, values, px, py) }),
            ...(look.includes("dots") ? values.flatMap((value, index) => (Number.isFinite(value)
              ? [s("circle", { class: look, cx: px(xs[index]).toFixed(1), cy: py(value).toFixed(1), r: 3.5 })] : [])) : []),
            ...(end && last >= 0
              ? [text(end.text, { class: `end ${look}`, x: px(xs[last]) + 6, y: linear(end.at ?? scaled(values[last])) + 4 })] : []),
          ];
        }));
    },
  };
}

export const CHART_STYLE = `
.widget { --c3: #00734f; --c4: #8545a8; }
@media not print { .widget[data-theme="dark"] { --c3: #4cc9a0; --c4: #cda2f2; } }
.a { --c: var(--pos); } .b { --c: var(--neg); --dash: 7 3; } .c { --c: var(--c3); --dash: 2 3; } .d { --c: var(--c4); --dash: 9 3 2 3; }
.chart { display: block; max-width: 100%; height: auto; overflow: visible; touch-action: pan-y; user-select: none; }
.chart text { fill: var(--soft); font-size: 12px; }
.chart .end { fill: var(--c); font-weight: 600; }
.chart path { fill: none; }
.rule { stroke: var(--line); } .axis { stroke: var(--edge); }
.cursor { stroke: var(--ink); stroke-width: 2; }
.line { fill: none; stroke: var(--c); stroke-width: 2.5; stroke-dasharray: var(--dash, none); stroke-linejoin: round; }
.line.thin { stroke: color-mix(in srgb, var(--c) 75%, var(--paper)); stroke-width: 1; stroke-dasharray: none; }
circle { fill: var(--c); stroke: none; }
.sample { display: inline-block; width: 28px; height: 12px; margin-right: .35em; }
@media (forced-colors: active) { .line { stroke: CanvasText; } circle { fill: CanvasText; } .chart text { fill: CanvasText; } }
`;
