"""How the book's drawings look: Matplotlib with stand-in colours that become the page's own CSS variables.

So a figure follows the light/dark switch without being redrawn, prints, and works in a notebook, where the
fallback colours apply.
"""

import contextlib
import hashlib
import html
import io
import re

# stand-in colour -> (CSS variable, colour where the page defines none)
INK = {
    "#010203": ("--fig-fg", "currentColor"),
    "#010204": ("--fig-muted", "#6b7280"),
    "#010205": ("--fig-grid", "#9ca3af"),
    "#010206": ("--fig-bg", "transparent"),
    "#010211": ("--fig-1", "#0072b2"),
    "#010212": ("--fig-2", "#d55e00"),
    "#010213": ("--fig-3", "#009e73"),
    "#010214": ("--fig-4", "#cc79a7"),
    "#010215": ("--fig-5", "#8f7700"),
    "#010216": ("--fig-6", "#5b7fa6"),
    "#010221": ("--fig-pos", "#0072b2"),
    "#010222": ("--fig-neg", "#d55e00"),
}
FG, MUTED, GRID, BG = "#010203", "#010204", "#010205", "#010206"
SERIES = ["#010211", "#010212", "#010213", "#010214", "#010215", "#010216"]
MARKERS, DASHES = "osD^vP", ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cnnbook",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": FG,
    "axes.titlecolor": FG,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.alpha": 0.4,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "figure.constrained_layout.h_pad": 0.02,
    "figure.constrained_layout.w_pad": 0.03,
    "xtick.color": FG,
    "ytick.color": FG,
    "text.color": FG,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 2,
}


WIDTH = 4.9  # inches; a figure's type is then readable on a phone 390 px wide


class Figure:
    """A picture that is its own SVG text.

    Parameters
    ----------
    svg : the drawing.
    alt : what the figure shows, for those who cannot see it.
    """

    def __init__(self, svg: str, alt: str):
        self.svg, self.alt = svg, alt

    def _repr_html_(self) -> str:
        return f'<div class="cnn-figure">{self.svg}</div>'

    def __repr__(self):
        return f"{type(self).__name__}({self.alt!r})"


@contextlib.contextmanager
def drawn(size, alt):
    """A Matplotlib figure in the book's style, and the `Figure` that holds its SVG when the block ends."""
    import matplotlib
    from matplotlib.figure import Figure as MatplotlibFigure

    result = Figure("", alt)
    with matplotlib.rc_context(STYLE):
        drawing = MatplotlibFigure(figsize=size, layout="constrained")
        yield drawing, result
        buffer = io.StringIO()
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        result.svg = themed(buffer.getvalue(), alt)


def themed(svg: str, alt: str) -> str:
    """Matplotlib's SVG made fit for a page: theme colours, the page's font, a label, no clashing ids.

    >>> themed('<svg width="72pt" height="36pt" viewBox="0 0 72 36"><g id="axes_1"/></svg>', "Nothing.")[:48]
    '<svg viewBox="-6 -9 84 50" role="img" aria-label'
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg, flags=re.DOTALL)
    for stand_in, (variable, fallback) in INK.items():
        svg = svg.replace(stand_in, f"var({variable}, {fallback})")
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(
        r' (?:d|x|y)="[^"]*"', lambda m: re.sub(r"(\.\d\d)\d+", r"\1", m[0]), svg
    )  # 0.01 pt is enough
    svg = re.sub(r"(<(?:g|text)[^>]*?) id=\"[^\"]*\"", r"\1", svg)
    prefix = "f" + hashlib.sha256((svg + alt).encode()).hexdigest()[:8]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", svg)
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups())
    view_box = f"-6 -9 {width + 12:g} {height + 14:g}"  # room for a larger font
    label = html.escape(alt, quote=True)
    head = (
        f'<svg viewBox="{view_box}" role="img" aria-label="{label}" '
        f'style="width: 100%; max-width: {1.45 * width:.0f}px; height: auto; overflow: visible" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1).strip()
