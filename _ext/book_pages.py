"""What the book needs beyond Jupyter Book: progress while it builds, and pages that any reader can use."""

import re
import sys
import time
from pathlib import Path

from docutils import nodes
from myst_nb.core.render import load_mime_renders
from sphinx.util.console import nocolor


def say_chapter(app, docname, source):
    app.env.temp_data["book_start"] = time.monotonic()
    print(f"    {docname}", end=" ", file=sys.stderr, flush=True)


def say_time(app, doctree):
    print(f"{time.monotonic() - app.env.temp_data['book_start']:.1f} s", file=sys.stderr, flush=True)


VERBATIM = nodes.literal, nodes.literal_block, nodes.math, nodes.math_block


def hold_products(app, doctree, docname):
    """Keep the two sides of a product of numbers on one line, as in "3 \u00d7 3"."""
    for text in list(doctree.findall(nodes.Text)):
        held = re.sub(r"(?<=\d) \u00d7 (?=\d)", "\u00a0\u00d7\u00a0", text)
        if held != text and not isinstance(text.parent, VERBATIM):
            text.parent.replace(text, nodes.Text(held))


def drop_unused(app, pagename, templatename, context, doctree):
    """Drop thebe, whose script fails on every page, and what Jupyter Book adds twice."""
    for kind in ("script_files", "css_files"):
        kept = {}
        for file in context.get(kind, []):
            text = f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}"
            if "thebe" not in text.lower():
                kept.setdefault(text, file)
        context[kind] = list(kept.values())


class DrawnInstead:
    """Figures to explore are live in JupyterLab and bring their drawing too, as HTML: a page takes that."""

    mime_priority_overrides = ()

    @staticmethod
    def handle_mime(renderer, data, inline):
        return [] if data.mime_type == "application/vnd.plotly.v1+json" else None


def add_explorer(app, pagename, templatename, context, doctree):
    """Give the script of figures to explore to the pages that have one."""
    if 'class="cnn-figure explore"' in context.get("body", ""):
        app.add_js_file("explore.js", defer="defer")


# What is taken out of finished pages: some of it is added so late that no earlier event sees it.
REPAIRS = {
    # Half a megabyte of script: the theme's style sheet draws the same icons from a font.
    r"<script[^>]*/fontawesome\.js[^>]*></script>\n?": "",
    # The saved state of widgets repeats each widget's whole source, for a widget manager no page loads.
    r"<script[^>]*application/vnd\.jupyter\.widget-(?:state|view)\+json.*?</script>": "",
    r"<script[^>]*text/x-thebe-config.*?</script>": "",
    # Twice: by Jupyter Book and by the theme or the extension it loads.
    r"(<script>var togglebuttonSelector = [^<]*</script>)(.*?)\1": r"\1\2",
    r'(?<=<meta name="viewport" content="width=device-width, initial-scale=1" />)(.*?)'
    r'<meta name="viewport"[^>]*>': r"\1",
    r'<meta name="viewport" content="width=device-width, initial-scale=1.0" />': "",
    # A list without list items and a role that was withdrawn: neither is announced.
    r' role="list"( class="citation-list")': r"\1",
    r'(<div class="citation" id="[^"]*") role="doc-biblioentry"': r"\1",
    # The same id on every exercise of a page.
    r' id="(?:exercise|solution)-content"': "",
}


def repair(app, exception):
    """Repair every page that was written, and delete the files that no page asks for."""
    if exception is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text("utf-8")
            for pattern, replacement in REPAIRS.items():
                text = re.sub(pattern, replacement, text, flags=re.DOTALL)
            page.write_text(text, "utf-8")
        for unused in ("scripts/fontawesome.*", "scripts/*.map", "styles/*.map", "sphinx-thebe.*"):
            for file in (Path(app.outdir) / "_static").glob(unused):
                file.unlink()


def setup(app):
    if not sys.stderr.isatty():
        nocolor()  # Jupyter Book writes colour codes into files too
    if DrawnInstead not in load_mime_renders():
        load_mime_renders().append(DrawnInstead)
    app.connect("source-read", say_chapter)
    app.connect("doctree-read", say_time)
    app.connect("doctree-resolved", hold_products)
    app.connect("html-page-context", add_explorer)
    app.connect("html-page-context", drop_unused, priority=900)
    app.connect("build-finished", repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
