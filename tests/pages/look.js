// What the gates ask of an open page. Every function answers in plain data, and sees into shadow roots.
globalThis.look = (() => {
  const tidy = (text) => (text ?? "").replace(/\s+/g, " ").trim();

  function* everything(root = document) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* everything(element.shadowRoot);
    }
  }
  const all = (selector, root) => [...everything(root)].filter((element) => element.matches(selector));
  const above = (element) =>
    element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;
  function* upwards(element) {
    for (let up = element; up; up = above(up)) yield up;
  }

  // Seen by somebody who looks: drawn, with an area, and not one of the boxes kept for screen readers alone.
  function seen(element) {
    const { width, height } = element.getBoundingClientRect();
    if (
      !(width > 0 && height > 0) ||
      !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })
    )
      return false;
    for (const up of upwards(element)) {
      const style = getComputedStyle(up);
      if (
        style.position === "absolute" &&
        (style.clip !== "auto" || style.clipPath !== "none" || up.offsetWidth <= 1)
      )
        return false;
    }
    return true;
  }

  function name(element) {
    const said = tidy(element.getAttribute("aria-label") ?? element.textContent).slice(0, 40);
    const classes = [...element.classList]
      .slice(0, 2)
      .map((each) => `.${each}`)
      .join("");
    const host = element.getRootNode().host;
    return `${host ? `${host.localName}${host.id && `#${host.id}`} ` : ""}<${element.localName}${element.id && `#${element.id}`}${classes}>${said && ` “${said}”`}`;
  }

  const widgets = () =>
    all("*").filter((element) => element.localName.includes("-") && element instanceof HTMLElement);

  // ------------------------------------------------------------ colours

  const brush = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  function rgba(colour) {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = "#0000";
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  }
  const over = ([r, g, b, a], [R, G, B]) => [
    r * a + R * (1 - a),
    g * a + G * (1 - a),
    b * a + B * (1 - a),
    1,
  ];

  // The colour behind an element, its own background included.
  function ground(element) {
    const layers = [];
    for (const up of upwards(element)) {
      const layer = rgba(getComputedStyle(up).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  }
  const opacity = (element) =>
    [...upwards(element)].reduce((product, up) => product * getComputedStyle(up).opacity, 1);
  const luminance = (colour) =>
    colour
      .slice(0, 3)
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  // The last filled shape drawn under the middle of an SVG text, or null.
  function shapeUnder(text) {
    const box = text.getBoundingClientRect();
    const middle = new DOMPoint(box.x + box.width / 2, box.y + box.height / 2);
    const within = ({ left, right, top, bottom }) =>
      left <= middle.x && middle.x <= right && top <= middle.y && middle.y <= bottom;
    const fills = (shape) =>
      shape.localName === "image" ||
      (rgba(getComputedStyle(shape).fill)[3] > 0 &&
        shape.isPointInFill(middle.matrixTransform(shape.getScreenCTM().inverse())));
    return (
      [...text.ownerSVGElement.querySelectorAll("path, rect, circle, ellipse, polygon, image")]
        .filter((shape) => text.compareDocumentPosition(shape) & Node.DOCUMENT_POSITION_PRECEDING)
        .filter((shape) => !shape.closest("defs, clipPath, symbol") && within(shape.getBoundingClientRect()))
        .filter((shape) => fills(shape) && !clippedAway(shape, middle))
        .at(-1) ?? null
    );
  }
  // Whether a clip path (in practice the rectangle of the axes) cuts the shape off before this point.
  function clippedAway(shape, point) {
    const id = shape
      .closest("[clip-path]")
      ?.getAttribute("clip-path")
      .match(/#([^)"]+)/)?.[1];
    const window_ = id && shape.ownerSVGElement.querySelector(`[id="${id}"] > *`)?.getBBox();
    if (!window_) return false;
    const { x, y } = point.matrixTransform(shape.getScreenCTM().inverse());
    return x < window_.x || x > window_.x + window_.width || y < window_.y || y > window_.y + window_.height;
  }

  const drawings = () =>
    all(".bd-article svg, .bd-article ~ * svg").filter(
      (svg) => !svg.closest('[aria-hidden="true"], button, a') && seen(svg),
    );
  const ownText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && tidy(node.data));

  // Every text of every drawing, widget, formula and code block, with its colour and the colour behind it. `fixed`
  // marks those on a shape of the drawing: that shape is behind them, whatever the page's colour is.
  function inks() {
    const answer = [];
    const told = new Set();
    for (const element of document.querySelectorAll(".bd-article .katex, .bd-article .highlight *")) {
      if (element.localName === "pre" || !tidy(element.textContent) || !seen(element)) continue;
      const below = ground(element);
      const colour = over(faded(rgba(getComputedStyle(element).color), element), below);
      // A page has thousands of these in a dozen colours: one of each is enough to tell.
      const key = `${element.className} ${below} ${colour}`;
      if (!told.has(key))
        answer.push({
          name: name(element),
          kind: "text",
          colour,
          below,
          fixed: false,
          contrast: contrast(colour, below),
        });
      told.add(key);
    }
    for (const svg of drawings()) {
      for (const text of svg.querySelectorAll("text")) {
        if (!tidy(text.textContent) || !seen(text)) continue;
        const shape = shapeUnder(text);
        if (shape?.localName === "image") continue;
        const paper = ground(svg);
        const below = shape
          ? over(faded(rgba(getComputedStyle(shape).fill), shape, "fillOpacity"), paper)
          : paper;
        const colour = over(faded(rgba(getComputedStyle(text).fill), text, "fillOpacity"), below);
        answer.push({
          name: name(text),
          kind: "figure",
          colour,
          below,
          fixed: shape !== null,
          contrast: contrast(colour, below),
        });
      }
    }
    for (const host of widgets()) {
      for (const element of host.shadowRoot ? everything(host.shadowRoot) : []) {
        if (!ownText(element) || !seen(element)) continue;
        const below = ground(element);
        const ink = element instanceof SVGElement ? "fill" : "color";
        const colour = over(faded(rgba(getComputedStyle(element)[ink]), element), below);
        answer.push({
          name: name(element),
          kind: "widget",
          colour,
          below,
          fixed: false,
          contrast: contrast(colour, below),
        });
      }
    }
    return answer;
  }
  const faded = (colour, element, own) => [
    ...colour.slice(0, 3),
    colour[3] * opacity(element) * (own ? getComputedStyle(element)[own] : 1),
  ];

  // How colours reach four kinds of eyes, as matrices on linear RGB: Machado, Oliveira and Fernandes (2009), and
  // brightness alone.
  const EYES = {
    protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
    deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
    tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
    achromatopsia: [0.2126, 0.7152, 0.0722, 0.2126, 0.7152, 0.0722, 0.2126, 0.7152, 0.0722],
  };
  const times = (matrix, v) =>
    v.map((_, i) => v.reduce((sum, value, j) => sum + matrix[v.length * i + j] * value, 0));
  // Oklab, in which equal distances look equally far: Ottosson (2020).
  function oklab(colour, eye) {
    const linear = colour
      .slice(0, 3)
      .map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    const cones = times(
      [0.4122214708, 0.5363325363, 0.0514459929, 0.2119034982, 0.6806995451, 0.1073969566, 0.0883024619,
        0.2817188376, 0.6299787005],
      eye ? times(eye, linear) : linear,
    ).map((v) => Math.cbrt(Math.max(0, v)));
    return times(
      [0.2104542553, 0.793617785, -0.0040720468, 1.9779984951, -2.428592205, 0.4505937099, 0.0259040371,
        0.7827717662, -0.808675766],
      cones,
    );
  }
  const far = (one, other, eye) => {
    const [a, b] = [oklab(one, eye), oklab(other, eye)];
    return Math.hypot(...a.map((v, i) => v - b[i]));
  };

  // Marks of one drawing or grid that differ in colour alone, in a way some eyes do not see. What else tells marks
  // apart: dashes, width, the size of a square; dots sit on lines, which have their dashes; cells say their number.
  function alike(host) {
    const kinds = new Map();
    for (const element of all("svg *, [role=gridcell]", host.shadowRoot)) {
      const home = element.closest("svg, [role=grid]");
      if (element.matches(".axis, circle") || (element.matches("svg *") && !(element instanceof SVGGeometryElement)))
        continue;
      if (!home || !seen(element)) continue;
      const style = getComputedStyle(element);
      const cell = element.matches("[role=gridcell]");
      const drawn = style.stroke !== "none" && parseFloat(style.strokeWidth) > 0;
      const ring = style.outlineStyle === "none" ? style.borderTopColor : style.outlineColor;
      const colour = rgba(cell ? ring : drawn ? style.stroke : style.fill);
      if (colour[3] === 0) continue;
      const form = cell
        ? [style.borderTopStyle, style.borderTopWidth, style.outlineStyle, style.outlineWidth, style.fontWeight,
            style.textDecorationLine, style.backgroundImage === "none", style.boxShadow === "none"]
        : [element.localName, drawn, style.strokeDasharray, style.strokeWidth, style.markerEnd,
            element.getAttribute("d")?.match(/h([\d.]+)/)?.[1]];
      const kind = kinds.get(home) ?? kinds.set(home, new Map()).get(home);
      const key = form.join("|");
      (kind.get(key) ?? kind.set(key, new Map()).get(key)).set(colour.join(), { element, colour });
    }
    const problems = new Set();
    for (const marks of [...kinds.values()].flatMap((kind) => [...kind.values()].map((each) => [...each.values()]))) {
      for (const [index, one] of marks.entries()) {
        for (const other of marks.slice(0, index)) {
          if (far(one.colour, other.colour) < 0.08) continue;
          for (const [eye, matrix] of Object.entries(EYES)) {
            if (far(one.colour, other.colour, matrix) < 0.06)
              problems.add(`${name(one.element)} and ${name(other.element)} look alike to eyes with ${eye}`);
          }
        }
      }
    }
    return [...problems];
  }

  // ------------------------------------------------------------ room

  // What sticks out of the window with no way to scroll to it, and drawings cut off at their own edge.
  function cutOff() {
    const problems = [];
    const width = document.documentElement.clientWidth;
    const wide = document.scrollingElement.scrollWidth;
    if (wide > innerWidth) problems.push(`the page is ${wide} px wide in a window of ${innerWidth}`);
    const told = new Set();
    for (const element of everything()) {
      const box = element.getBoundingClientRect();
      if (box.width === 0 || box.right <= width + 1 || [...upwards(element)].some((up) => told.has(up)))
        continue;
      if (!element.closest(".bd-main, main") && !element.getRootNode().host) continue;
      if (!seen(element) || (element.closest("svg") !== null && element.localName !== "svg")) continue;
      const holders = [...upwards(element)]
        .slice(1)
        .filter((up) => getComputedStyle(up).overflowX !== "visible");
      const scrolls = holders.find(
        (up) =>
          ["auto", "scroll"].includes(getComputedStyle(up).overflowX) &&
          up !== document.body &&
          up !== document.documentElement,
      );
      if (scrolls && scrolls.getBoundingClientRect().right <= width + 1) continue;
      told.add(element);
      problems.push(
        `${name(element)} ends at ${Math.round(box.right)} px in a window of ${width} and does not scroll`,
      );
    }
    for (const svg of drawings()) {
      const edge = svg.getBoundingClientRect();
      for (const text of svg.querySelectorAll("text")) {
        const box = text.getBoundingClientRect();
        const out = Math.max(
          edge.left - box.left,
          box.right - edge.right,
          edge.top - box.top,
          box.bottom - edge.bottom,
        );
        if (box.width && out > 1)
          problems.push(`${name(text)} is cut off: ${out.toFixed(1)} px outside its drawing`);
      }
    }
    return problems;
  }

  // Buttons and fields under 44 px, cells under 32. A checkbox may lend its size from its label.
  function small(host) {
    const problems = [];
    const within = (element, least) => {
      const box = (
        element.matches("input[type=checkbox], input[type=radio]")
          ? (element.closest("label") ?? element)
          : element
      ).getBoundingClientRect();
      if (Math.min(box.width, box.height) < least - 0.1)
        problems.push(
          `${name(element)} is ${box.width.toFixed(0)}×${box.height.toFixed(0)} px, less than ${least}`,
        );
    };
    for (const element of everything(host?.shadowRoot)) {
      if (element.matches('[role="gridcell"][tabindex]') && seen(element)) within(element, 32);
      if (!element.matches("button, select, textarea, summary, input:not([type=hidden])") || !seen(element))
        continue;
      const inCell = element.closest('[role="gridcell"]');
      within(element, inCell ? 32 : 44);
    }
    return [...new Set(problems)];
  }

  // The height of the screen that a widget's figures and its written-out sum need together.
  function needs(host) {
    const parts = [...everything(host.shadowRoot)].filter(
      (element) => element.matches('[role="grid"], [role="application"], [aria-label="Sum"]') && seen(element),
    );
    const boxes = parts.map((part) => part.getBoundingClientRect());
    const bar = [...document.querySelectorAll(".bd-header, .bd-header-article")].filter(
      (each) => seen(each) && ["sticky", "fixed"].includes(getComputedStyle(each).position),
    );
    return {
      parts: parts.map((part) => part.getAttribute("aria-label")),
      height: Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top)),
      free: innerHeight - bar.reduce((sum, each) => sum + each.getBoundingClientRect().height, 0),
    };
  }

  // ------------------------------------------------------------ movement

  function moving() {
    const problems = new Set();
    const longest = (list) =>
      Math.max(...list.split(",").map((each) => parseFloat(each) * (each.trim().endsWith("ms") ? 1 : 1000)));
    for (const element of everything()) {
      for (const part of [null, "::before", "::after"]) {
        const style = getComputedStyle(element, part);
        if (part && style.content === "none") continue;
        const where = `${name(element)}${part ?? ""}`;
        if (longest(style.transitionDuration) > 10 && style.transitionProperty !== "none")
          problems.add(
            `${where} has a transition of ${style.transitionDuration} on ${style.transitionProperty}`,
          );
        if (style.animationName !== "none" && longest(style.animationDuration) > 10)
          problems.add(`${where} has the animation ${style.animationName}`);
        if (!part && style.scrollBehavior === "smooth") problems.add(`${where} scrolls smoothly`);
      }
    }
    return [...problems];
  }

  // ------------------------------------------------------------ focus and widgets

  const label = (element) =>
    tidy(element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent);
  const status = (host) => tidy(host.shadowRoot.querySelector('[role="status"]')?.textContent);
  const press = (host, pattern) =>
    [...everything(host.shadowRoot)].find(
      (element) => element.matches("button") && seen(element) && new RegExp(pattern).test(label(element)),
    );
  const playing = (host) => Boolean(press(host, "^Pause"));
  function active() {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element;
  }
  // What Tab must reach: every control, whatever its tabindex says, and every figure as a whole (one cell of a grid).
  const CONTROLS = "button, select, input, textarea, summary, a[href]";
  const FIGURES = '[role="grid"], [role="application"], canvas';
  const stops = (host) =>
    all(`${CONTROLS}, ${FIGURES}`, host.shadowRoot).filter(
      (element) => seen(element) && !element.disabled && !element.parentElement?.closest('[role="grid"]'),
    );
  const ring = (element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2) || boxShadow !== "none";
  };

  // What a widget says and shows now: its sentence, whether it is read aloud, its cells by name.
  function told(host) {
    const line = host.shadowRoot.querySelector('[role="status"]');
    const cells = all('[role="grid"]', host.shadowRoot)
      .filter(seen)
      .flatMap((grid) => [...grid.querySelectorAll('[role="gridcell"]')]);
    return {
      text: tidy(line?.textContent),
      live: line?.getAttribute("aria-live"),
      cells: cells.map((cell) => ({
        label: cell.getAttribute("aria-label"),
        text: tidy(cell.firstElementChild?.textContent ?? cell.textContent),
      })),
      taps: all('[role="grid"]', host.shadowRoot)
        .filter((grid) => seen(grid) && /^Kernel/.test(grid.getAttribute("aria-label")))
        .reduce((sum, grid) => sum + grid.querySelectorAll('[role="gridcell"]').length, 0),
    };
  }

  // Walk from the first step to the last by the widget's own buttons and write down what it says at each.
  function walk(host) {
    press(host, "^First")?.click();
    const said = [told(host)];
    for (let count = 0; count < 200; count++) {
      const next = press(host, "^(One step on|Next)");
      if (!next || next.disabled || next.getAttribute("aria-disabled") === "true") break;
      next.click();
      said.push(told(host));
    }
    return said;
  }

  // ------------------------------------------------------------ the page

  function unfold() {
    for (const fold of all("details")) fold.open = true;
    for (const button of all(".toggle-button-hidden, button.toggle-button"))
      if (button.closest(".toggle-hidden")) button.click();
  }
  // Fonts there, transitions over, the next frame drawn; a page that never rests is taken as it is.
  const settled = () =>
    Promise.race([
      Promise.all([
        document.fonts.ready,
        ...document.getAnimations().map((each) => each.finished.catch(() => {})),
      ]).then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))),
      new Promise((done) => setTimeout(done, 5000)),
    ]).then(() => true);

  function unnamed() {
    const problems = [];
    for (const svg of drawings()) {
      const words = tidy(svg.getAttribute("aria-label"));
      if (svg.getAttribute("role") !== "img") problems.push(`${name(svg)} has no role="img"`);
      if (words.length < 20 || !words.includes(" "))
        problems.push(`${name(svg)} has no sentence for those who cannot see it: aria-label=“${words}”`);
    }
    for (const img of document.querySelectorAll(".bd-article img")) {
      if (tidy(img.alt).length < 10)
        problems.push(
          `${name(img)} ${img.getAttribute("src")?.slice(0, 60)} has no sentence for those who cannot see it: alt=“${img.alt}”`,
        );
    }
    return problems;
  }

  // ------------------------------------------------------------ what the gates ask in one go

  // What should be there to read with JavaScript off: text, formulas, and each widget's picture and caption.
  function unreadable() {
    const problems = [];
    const article = document.querySelector(".bd-article") ?? document.querySelector("main");
    for (const element of article.querySelectorAll("h1, h2, h3, p, figcaption, table, pre, .katex")) {
      if (!tidy(element.textContent) || element.closest("details:not([open]), .katex-mathml, dialog"))
        continue;
      if (!seen(element)) problems.push(`${name(element)} cannot be seen`);
    }
    for (const maths of article.querySelectorAll(".math")) {
      if (!maths.querySelector(".katex, math"))
        problems.push(`${name(maths)} is a formula that nobody rendered`);
      if (maths.querySelector(".katex-error")) problems.push(`${name(maths)} is a formula with an error`);
    }
    for (const widget of widgets()) {
      const picture = [...widget.querySelectorAll("svg, img")].find(seen);
      const caption = [...widget.querySelectorAll("figcaption")].find(seen);
      if (!picture || picture.getBoundingClientRect().width < 100)
        problems.push(`${name(widget)} shows no picture`);
      if (tidy(caption?.textContent).length < 20) problems.push(`${name(widget)} shows no caption`);
    }
    return problems;
  }

  // One logo with the title, one search box; no image that is missing.
  function furniture() {
    const problems = [];
    const outer = (list) => list.filter((one) => !list.some((other) => other !== one && other.contains(one)));
    const titles_ = all("h1").filter(seen);
    if (titles_.length !== 1)
      problems.push(`${titles_.length} h1 headings instead of one: ${titles_.map(name).join(", ")}`);
    const search = outer(all("input[type=search], button[class*=search-button]").filter(seen)).filter(
      (each) => !each.closest(".bd-article, .bd-search-container"), // the search page's own field
    );
    if (search.length !== 1)
      problems.push(`${search.length} search boxes instead of one: ${search.map(name).join(", ")}`);
    const logos = outer(all(".navbar-brand, .logo").filter(seen));
    const titles = all(".logo__title, .navbar-brand p").filter(seen);
    if (logos.length !== 1 || titles.length !== 1) {
      problems.push(
        `${logos.length} logos with ${titles.length} titles instead of one: ${logos.map(name).join(", ")}`,
      );
    }
    for (const image of document.images) {
      if (seen(image) && image.complete && image.naturalWidth === 0)
        problems.push(`${image.src.slice(0, 80)} is no image`);
    }
    return problems;
  }

  // Scroll to the end and step every widget: whatever the page would fetch, it fetches now.
  async function useEverything() {
    unfold();
    for (let y = 0; y < document.body.scrollHeight; y += innerHeight) {
      scrollTo(0, y);
      await new Promise(requestAnimationFrame);
    }
    scrollTo(0, 0);
    for (const widget of widgets()) if (widget.shadowRoot) walk(widget);
    for (const button of all(".explore-button")) button.click();
  }

  // Leave of code its text and of drawings their frame. axe takes minutes over thousands of spans and marks that say
  // nothing to it: their colours are what inks() is for, and drawings are one image each.
  function thin() {
    for (const code of all(".highlight pre")) code.textContent = code.textContent;
    for (const svg of all('svg[role="img"]')) svg.replaceChildren();
  }

  // Put a place to start in front of a widget and number its tab stops; tabStop() then says where the focus is.
  let numbered = [];
  function numberStops(host) {
    const start = Object.assign(document.createElement("span"), { tabIndex: 0, id: "gate-start" });
    document.getElementById("gate-start")?.remove();
    host.before(start);
    start.focus();
    numbered = stops(host).map((element) => ({ element, name: name(element) }));
    return numbered.map((stop) => stop.name);
  }
  function tabStop() {
    const at = numbered.findIndex(({ element }) => element.contains(active()));
    return { at, name: name(active()), ring: ring(active()) };
  }

  // Where the keyboard enters each figure.
  const figures = (host) =>
    all(FIGURES, host.shadowRoot)
      .filter(seen)
      .map((figure) => figure.querySelector('[tabindex="0"]') ?? figure);
  const holds = (host) => host.shadowRoot.contains(active()) && active().isConnected;
  const gridOf = (element) => element.closest('[role="grid"]') ?? element;

  const fields = (host) =>
    all("input, textarea", host.shadowRoot).filter(
      (field) => seen(field) && !["range", "checkbox", "radio"].includes(field.type),
    );
  const selects = (host) => all("select, input[type=range]", host.shadowRoot).filter(seen);
  function listen(field) {
    field.heard = 0;
    field.addEventListener("input", () => (field.heard += 1));
    field.focus();
    return {
      label: label(field),
      choices: field.options?.length ?? Number(field.max) - Number(field.min) + 1,
      select: field.matches("select"),
    };
  }
  function nextStep(host, before, patience) {
    return new Promise((done) => {
      const end = (answer) => {
        clearTimeout(late);
        observer.disconnect();
        done(answer);
      };
      const late = setTimeout(() => end(false), patience);
      const observer = new MutationObserver(() => status(host) !== before && end(true));
      observer.observe(host.shadowRoot.querySelector('[role="status"]'), {
        childList: true,
        subtree: true,
        characterData: true,
      });
      if (status(host) !== before) end(true);
    });
  }

  return {
    all,
    name,
    label,
    widgets,
    inks,
    cutOff,
    small,
    alike,
    needs,
    moving,
    settled,
    unfold,
    thin,
    unnamed,
    unreadable,
    furniture,
    useEverything,
    status,
    press,
    playing,
    active,
    stops,
    told,
    walk,
    numberStops,
    tabStop,
    figures,
    holds,
    gridOf,
    fields,
    selects,
    listen,
    nextStep,
  };
})();
