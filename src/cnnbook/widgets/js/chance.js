// Random numbers, equal bit by bit to those of chance.py. uniforms() is mulberry32; a standard normal is the sum of twelve
// uniforms minus 6.

import { range } from "./numbers.js";

export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
export function normals(seed, count) {
  const next = uniforms(seed);
  return range(count).map(() => {
    let sum = -6;
    for (let k = 0; k < 12; k++) sum += next();
    return sum;
  });
}
