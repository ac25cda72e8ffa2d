// The transport bar: first, back, play, next, last, scrubber, speed, reset. Its CSS is TRANSPORT_STYLE.

import { button, h, select } from "./elements.js";
import { clamp } from "./numbers.js";

const PLAY = "M4 2.5v11L13.5 8z";
const PAUSE = "M4 3h3v10H4zM9 3h3v10H9z";
const ON = "M4 3v10l8-5z";
const END = "M11 3h2v10h-2zM2 3v10l8-5z";

// The bar calls go(step) to change the step. Call update({ step, count, locked?, said? }) after every change of the state.
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
      const { said = `${now.step + 1} of ${now.count}` } = now;
      ({ step, count, locked = false } = now);
      scrubber.max = last();
      scrubber.value = step;
      scrubber.ariaValueText = place.textContent = said;
      first.ariaDisabled = back.ariaDisabled = step === 0;
      next.ariaDisabled = end.ariaDisabled = step >= last();
      play.ariaDisabled = locked || count < 2;
    },
  };
}

export const TRANSPORT_STYLE = `
.transport { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; margin-top: .6rem; }
.buttons { display: flex; gap: 4px; }
.transport input { flex: 1 1 60px; min-width: 0; height: 44px; margin: 0; accent-color: var(--link); }
.transport .field { flex-direction: row; align-items: center; gap: 6px; }
.count { min-width: 4.6em; color: var(--soft); font-size: 13px; text-align: center; }
.turned svg { scale: -1; }
@container (max-width: 559px) {
  .buttons { flex: 1 0 100%; }
  .buttons button { flex: 1; }
  .transport .field span { display: none; }
}
`;
