// Figures to hover and zoom: Plotly takes over from the drawing when one comes near the screen. One copy, loaded once.
{
  const address = new URL("plotly/plotly-cartesian.min.js", document.currentScript.src);
  const DASHES = ["solid", "dash", "dashdot", "dot", "longdash", "longdashdot"];
  const MARKERS = ["circle", "square", "diamond", "triangle-down", "triangle-up", "cross"];
  const drawn = new Set();
  let arrives;

  const load = () => (arrives ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    Object.assign(script, { src: address, onload: () => done(globalThis.Plotly), onerror: failed });
    document.head.append(script);
  }));

  function draw(plotly, figure) {
    const { series, xlabel, ylabel, log, markers } = JSON.parse(figure.dataset.hover);
    const style = getComputedStyle(figure);
    const colour = (name) => style.getPropertyValue(`--fig-${name}`).trim();
    const axis = (title, letter) => ({
      title: { text: title, standoff: 8 }, type: log.includes(letter) ? "log" : "linear", automargin: true, zeroline: false,
      spikecolor: colour("muted"), spikethickness: 1, spikedash: "dot", gridcolor: colour("grid"), linecolor: colour("muted"), showline: true, griddash: "dot",
    });
    const lines = series.map(({ name, x, y }, k) => ({
      name, x, y, mode: markers ? "lines+markers" : "lines", marker: { symbol: MARKERS[k % 6], size: 6 },
      line: { color: colour(1 + (k % 6)), dash: DASHES[k % 6], width: 2 },
    }));
    const label = { bgcolor: colour("bg") || style.backgroundColor, font: { color: colour("fg") } };
    const layout = {
      xaxis: axis(xlabel, "x"), yaxis: axis(ylabel, "y"), font: { family: style.fontFamily, size: 14, color: colour("fg") },
      paper_bgcolor: "transparent", plot_bgcolor: "transparent", margin: { l: 10, r: 12, t: 8, b: 10 }, height: 360,
      showlegend: series.length > 1, legend: { orientation: "h", y: -0.25 }, hovermode: "x unified", hoverdistance: -1, hoverlabel: label,
      // A finger scrolls the page; only a mouse zooms.
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    };
    return plotly.react(figure.plot, lines, layout, { displayModeBar: false, responsive: true });
  }

  async function show(figure) {
    const plotly = await load();
    const svg = figure.querySelector("svg");
    figure.plot = document.createElement("div");
    figure.plot.className = "hover-plot";
    figure.plot.setAttribute("role", "img");
    figure.plot.setAttribute("aria-label", svg.getAttribute("aria-label"));
    const whole = document.createElement("button");
    Object.assign(whole, { type: "button", className: "hover-whole", textContent: "Show the whole figure", hidden: true });
    whole.onclick = () => plotly.relayout(figure.plot, { "xaxis.autorange": true, "yaxis.autorange": true });
    figure.append(figure.plot, whole);
    figure.classList.add("hover-live");
    await draw(plotly, figure);
    figure.plot.on("plotly_relayout", (change) => (whole.hidden = !Object.keys(change).some((name) => name.includes("range["))));
    drawn.add(figure);
  }

  const near = new IntersectionObserver((entries) => entries.forEach(({ isIntersecting, target }) => {
    if (!isIntersecting) return;
    near.unobserve(target);
    show(target).catch(() => {}); // the drawing stays
  }), { rootMargin: "600px" });
  document.querySelectorAll("[data-hover]").forEach((figure) => near.observe(figure));
  new MutationObserver(() => drawn.forEach((figure) => draw(globalThis.Plotly, figure)))
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}
