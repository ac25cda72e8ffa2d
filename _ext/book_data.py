"""Sentences that are true of one data set only: where other data stand in for it, the page leaves them out.

    :::{fashion-mnist}
    Pullovers and coats are mixed up most often.
    :::

A page that had to use the stand-in digits shows a warning in place of its data note (`Dataset._repr_html_`).
On such a page the block becomes one sentence that says what was left out.
"""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

CLASS = "about-fashion-mnist"
WARNING = "Stand-in data"  # the title of the warning
INSTEAD = "(A remark about Fashion-MNIST is left out here: other pictures stand in for it.)"


class FashionMnist(SphinxDirective):
    """Text about Fashion-MNIST's numbers and pictures."""

    has_content = True

    def run(self):
        block = nodes.container(classes=[CLASS])
        self.state.nested_parse(self.content, self.content_offset, block)
        return [block]


def leave_out(app, doctree):
    """Replace the blocks of a page whose data are stand-ins."""
    if any(WARNING in raw.astext() for raw in doctree.findall(nodes.raw)):
        for block in list(doctree.findall(nodes.container)):
            if CLASS in block["classes"]:
                block.replace_self(nodes.paragraph("", "", nodes.emphasis("", INSTEAD)))


def setup(app):
    app.add_directive("fashion-mnist", FashionMnist)
    app.connect("doctree-read", leave_out)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
