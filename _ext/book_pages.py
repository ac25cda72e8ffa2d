"""What the book needs beyond Jupyter Book: progress while it builds, and pages that any reader can use."""

import re
import sys
import time
from pathlib import Path

from sphinx.util.console import nocolor


def say_chapter(app, docname, source):
    app.env.temp_data["book_start"] = time.monotonic()
    print(f"    {docname}", end=" ", file=sys.stderr, flush=True)


def say_time(app, doctree):
    print(f"{time.monotonic() - app.env.temp_data['book_start']:.1f} s", file=sys.stderr, flush=True)


def drop_unused(app, pagename, templatename, context, doctree):
    """Drop thebe, whose script fails on every page, and what Jupyter Book adds twice."""
    for kind in ("script_files", "css_files"):
        kept = {}
        for file in context.get(kind, []):
            text = f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', {}).get('body', '')}"
            if "thebe" not in text.lower():
                kept.setdefault(text, file)
        context[kind] = list(kept.values())


REPAIRS = {
    # The saved state of widgets repeats each widget's whole source, for a widget manager no page loads.
    r"<script[^>]*application/vnd\.jupyter\.widget-(?:state|view)\+json.*?</script>": "",
    # A list without list items and a role that was withdrawn: neither is announced.
    r' role="list"( class="citation-list")': r"\1",
    r'(<div class="citation" id="[^"]*") role="doc-biblioentry"': r"\1",
}


def repair(app, pagename, templatename, context, doctree):
    for pattern, replacement in REPAIRS.items():
        context["body"] = re.sub(pattern, replacement, context.get("body", ""), flags=re.DOTALL)


def lighten(app, exception):
    """Drop half a megabyte of script a page: the theme's style sheet draws the same icons from a font."""
    if exception is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            text = page.read_text("utf-8")
            page.write_text(re.sub(r"<script[^>]*/fontawesome\.js[^>]*></script>\n?", "", text), "utf-8")
        for unused in ("scripts/fontawesome.*", "scripts/*.map", "styles/*.map", "sphinx-thebe.*"):
            for file in (Path(app.outdir) / "_static").glob(unused):
                file.unlink()


def setup(app):
    if not sys.stderr.isatty():
        nocolor()  # Jupyter Book writes colour codes into files too
    app.connect("source-read", say_chapter)
    app.connect("doctree-read", say_time)
    app.connect("html-page-context", drop_unused, priority=900)
    app.connect("html-page-context", repair, priority=900)
    app.connect("build-finished", lighten)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
