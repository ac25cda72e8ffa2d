"""What every widget shares: how its JavaScript is shown live by Jupyter and written into the built page."""

from __future__ import annotations

import html
import json
import re
from typing import Any, ClassVar

import anywidget
import traitlets

from . import modules


class BookWidget(anywidget.AnyWidget):
    """A figure the reader can drive, with Python and without.

    Subclasses name their element (`tag`), their JavaScript file (`script`) and the traits that make up their
    state (`state`), and draw their fallback (`picture`). Which other JavaScript files they need follows from
    the imports.

    A live notebook shows the anywidget view. Everything else (the built page, an exported notebook) shows
    ``text/html``: the element with its state as attributes, the fallback picture inside it, and the code as
    inline ``<script type="module">``, which runs over http, from file:// and without a network.

    The code is shipped once. The first figure displayed in a process carries it, and since the book runs one
    process per page, that is the first figure of the page. What is remembered is that figure's `id`, not
    merely that there was one: run its cell again and it carries the code again, so a page always has it.
    Different widgets share one copy of the files that both import. Shipping one twice does no harm: an
    element is defined only where ``customElements.get`` finds none.
    """

    tag: ClassVar[str]
    script: ClassVar[str]
    state: ClassVar[tuple[str, ...]]
    _carriers: ClassVar[dict[str, str]] = {}

    id = traitlets.Unicode(help="names the figure: links drive it by `#id:stride=2`").tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "script" in cls.__dict__:  # anywidget subclasses every instance's class once more
            cls._esm = modules.joined(cls.script)

    @classmethod
    def files(cls) -> tuple[str, ...]:
        """Name the JavaScript files this widget consists of, every file after those it imports."""
        return modules.order(cls.script)

    @traitlets.default("id")
    def _default_id(self) -> str:
        return self.tag

    @traitlets.validate("id")
    def _check_id(self, proposal: Any) -> str:
        name = proposal["value"]
        if not re.fullmatch(r"[A-Za-z][\w-]*", name):
            raise ValueError(
                f"{type(self).__name__}: id must start with a letter and hold only letters, digits, '-' and "
                f"'_'. Received id={name!r}. Use a name like '{self.tag}-1'."
            )
        return name

    def picture(self) -> str:
        """Draw the state as static HTML, for paper and for browsers without JavaScript."""
        raise NotImplementedError

    def to_html(self) -> str:
        """Write the figure as HTML that needs neither kernel nor network.

        Returns
        -------
        str
            The element, its fallback picture, and the code unless an earlier figure of the page carries it.
        """
        attributes = "".join(
            f' {name.replace("_", "-")}="{html.escape(json.dumps(value))}"'
            for name in self.state
            if (value := getattr(self, name)) != self.trait_defaults(name)
        )
        element = f'<{self.tag} id="{self.id}"{attributes}>{self.picture()}</{self.tag}>'
        return element + "".join(f'<script type="module">\n{code}</script>' for code in self._code())

    def _code(self) -> list[str]:
        files = [name for name in self.files() if self._carriers.setdefault(name, self.id) == self.id]
        return [modules.page_script(name) for name in files]

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if isinstance(bundle, tuple):
            data, metadata = bundle
            return {**data, "text/html": self.to_html()}, metadata
        return {**(bundle or {}), "text/html": self.to_html()}
