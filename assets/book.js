// What is wider than its column scrolls by itself; let the keyboard reach it.
{
  const wide = ".bd-article .formula, .bd-article .cell_output .output.text_html";
  const update = () => {
    for (const box of document.querySelectorAll(wide)) {
      if (box.scrollWidth > box.clientWidth + 1) {
        box.tabIndex = 0;
        box.setAttribute("role", "group");
        box.setAttribute("aria-label", box.matches(".formula") ? "Formula, scrolls sideways" : "Output, scrolls sideways");
      } else if (box.getAttribute("aria-label")?.endsWith("scrolls sideways")) {
        for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
      }
    }
  };
  update();
  addEventListener("load", update);
  addEventListener("resize", update);
  document.fonts?.ready.then(update);

  // The theme does the same for code and tables, but does not look again when a fold opens: tell it to.
  const look = () => dispatchEvent(new Event("resize"));
  addEventListener("toggle", look, true);
  addEventListener("click", (event) => event.target.closest?.(".toggle-button, .admonition-title") && look());
}
