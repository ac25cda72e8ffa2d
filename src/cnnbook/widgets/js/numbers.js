// Numbers as text and back, lists of numbers, and the checks with which a widget cleans its state. It runs without a browser.

// ---------------------------------------------------------------- numbers as text

export const LIMIT = 1e6;
export const clamp = (value, top) => Math.max(0, Math.min(top, value));
const minus = (text) => text.replace("-", "\u2212");

// Rounds to 12 digits, which removes the rounding errors of sums of decimals.
export const tidy = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(12))) || 0;
export const full = (value) => minus(String(tidy(value)));

// The number in about `digits` characters, with \u2248 in front where it is rounded.
export function short(value, digits = 6) {
  const exact = tidy(value);
  if (full(exact).length <= digits + 1) return full(exact);
  let text = String(Number(exact.toPrecision(digits > 5 ? 4 : 2)));
  if (text.length > digits + 1) text = exact.toExponential(1).replace("e+", "e").replace(".0", "");
  return (Number(text) === exact ? "" : "\u2248") + minus(text);
}

// The number as a factor of a product: in brackets if it is negative.
export const factor = (value) => (value < 0 ? `(${full(value)})` : full(value));

// The number that a reader typed, or null if it is none or larger than LIMIT. Never NaN, infinity or minus zero.
export function parseNumber(text) {
  const value = Number(text.trim().replace("\u2212", "-").replace(",", ".") || NaN);
  return Math.abs(value) <= LIMIT ? Number(value.toFixed(6)) || 0 : null;
}

// ---------------------------------------------------------------- lists

export const range = (count) => Array.from({ length: count }, (_, index) => index);
export const table = (height, width, value) => range(height).map((r) => range(width).map((c) => value(r, c)));
export const total = (values) => values.reduce((sum, value) => sum + value, 0);
export const isNumber = (value) => typeof value === "number" && Math.abs(value) <= LIMIT;
// Whether a value is an array of numbers with `depth` axes, each at most `most` long.
export const isBox = (value, depth, most = 12) => (depth === 0 ? isNumber(value) : Array.isArray(value) && value.length > 0
  && value.length <= most && value.every((part) => isBox(part, depth - 1, most) && (depth < 2 || part.length === value[0].length)));
export const whole = (value, low, high, otherwise) => (Number.isInteger(value) && value >= low && value <= high ? value : otherwise);
export const oneOf = (value, list, otherwise) => (list.includes(value) ? value : otherwise);
