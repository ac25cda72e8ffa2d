// Figures to explore: on the reader's press Plotly takes over from the drawing. One copy, from the book itself, loaded once.
{
  const address = new URL("plotly/plotly-cartesian.min.js", document.currentScript.src);
  const coarse = matchMedia("(pointer: coarse)").matches;
  const config = {
    responsive: true, displayModeBar: true, displaylogo: false, showTips: false, plotlyServerURL: "", doubleClick: "reset",
    modeBarButtons: [coarse ? ["pan2d"] : ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  };
  const hint = coarse ? "Tap a mark for its numbers. The buttons above it zoom and move it."
    : "Point at a mark for its numbers. Drag to zoom in, double-click to see it whole.";
  let arrives;

  const load = () => (arrives ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    const again = () => { arrives = undefined; failed(); };
    Object.assign(script, { src: address, onload: () => done(globalThis.Plotly), onerror: again });
    document.head.append(script);
  }));

  // Every colour that the book names becomes the one it has now.
  const dressed = (value, style) => {
    if (typeof value === "string") return value.startsWith("--fig-") ? style.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map((each) => dressed(each, style));
    if (!value || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, dressed(each, style)]));
  };

  function explorable(figure) {
    const drawing = figure.querySelector("svg");
    const { data, layout } = JSON.parse(figure.querySelector("script").textContent);
    const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
    const button = make("button", { type: "button", className: "explore-button", textContent: "Explore this figure" });
    const note = make("span", { className: "explore-note" });
    const plot = make("div", { className: "explore-plot" });
    const bar = make("div", { className: "explore-bar" });
    note.setAttribute("role", "status");
    plot.setAttribute("role", "group");
    plot.setAttribute("aria-label", `To explore: ${drawing.getAttribute("aria-label")}`);
    bar.append(button, note);
    drawing.after(plot);
    figure.append(bar);
    let live = false, height;

    async function draw(plotly) {
      const style = getComputedStyle(figure);
      const { data: traces, layout: look } = dressed({ data, layout }, style);
      Object.assign(look, { height, dragmode: coarse ? false : "zoom" }); // a finger scrolls the page
      look.font.family = look.hoverlabel.font.family = style.fontFamily;
      await plotly.react(plot, traces, look, config);
    }

    async function press() {
      if (figure.ariaBusy) return;
      const place = button.getBoundingClientRect().top;
      if (live) note.textContent = "";
      else {
        height ??= Math.round(Math.max(400, drawing.getBoundingClientRect().height));
        figure.ariaBusy = "true";
        note.textContent = "Loading \u2026";
        let plotly;
        try { plotly = await load(); } catch { note.textContent = "It could not be loaded. The drawing stays."; }
        figure.ariaBusy = null;
        if (!plotly) return;
        figure.classList.add("explore-live");
        await draw(plotly);
        note.textContent = hint;
      }
      live = !live;
      figure.classList.toggle("explore-live", live);
      button.textContent = live ? "Back to the drawing" : "Explore this figure";
      scrollBy({ top: button.getBoundingClientRect().top - place, behavior: "instant" }); // it stays under the pointer
    }

    button.onclick = press;
    return () => live && draw(globalThis.Plotly);
  }

  const figures = [...document.querySelectorAll(".cnn-figure.explore")].map(explorable);
  new MutationObserver(() => figures.forEach((redraw) => redraw()))
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}
