"""Reads what the tests of the house are about: the project's own files, its chapters, its settings."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import jupytext
import yaml

ROOT = Path(__file__).parents[2]


def project_files():
    """Name every file that belongs to the project: what git knows or would add. Binary files are left out."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
    files = (ROOT / name for name in names if name)
    return [path for path in files if path.is_file() and b"\0" not in path.read_bytes()[:2000]]


def settings(name):
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def toc_parts():
    """The parts of _toc.yml as (part, names of its pages); the root page belongs to no part."""
    toc = settings("_toc.yml")
    yield {}, [toc["root"]]
    for part in toc["parts"]:
        yield part, [chapter["file"] for chapter in part["chapters"]]


@dataclass
class Chapter:
    """One MyST text notebook: its text and its cells, as a notebook program would see them."""

    name: str
    text: str

    def __post_init__(self):
        body = re.sub(r"\A---\n.*?\n---\n", "", self.text, flags=re.DOTALL)
        header = self.text.removesuffix(body)
        self.runs = "format_name: myst" in header and "kernelspec:" in header
        self.body = body
        self.cells = jupytext.reads(self.text, fmt="md:myst").cells

    @property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def visible_code(self):
        """The code cells a reader has before them: not those hidden, folded away or in a solution."""
        hidden = {"remove-cell", "remove-input", "hide-input", "hide-cell"}
        in_solution, visible = False, []
        for cell in self.cells:
            open_to_all = not in_solution and not hidden & set(cell.metadata.get("tags", []))
            if cell.cell_type == "code" and open_to_all:
                visible.append(cell)
            for mark in re.findall(r"\{solution-(start|end)\}", cell.source):
                in_solution = mark == "start"
        return visible

    def headings(self, level):
        prose = re.sub(r"^```.*?^```", "", self.body, flags=re.DOTALL | re.MULTILINE)
        return re.findall(rf"^{'#' * level} +(.+?) *$", prose, flags=re.MULTILINE)

    @property
    def prose(self):
        """What a person typed as sentences: no code, formulas, roles, addresses or markup."""
        text = self.body
        code = r"code-cell|code-block|code|literalinclude|math|figure|image|glue:figure|bibliography|raw"
        text = re.sub(
            rf"^(`{{3,}}|:{{3,}})\{{(?:{code})\}}.*?^\1 *$", "", text, flags=re.DOTALL | re.MULTILINE
        )
        text = re.sub(r"^```\w*\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r"^\\begin\{(\w+\*?)\}.*?^\\end\{\1\}", "", text, flags=re.DOTALL | re.MULTILINE)
        text = re.sub(r"\$\$.*?\$\$|\$[^$]+\$", "", text, flags=re.DOTALL)
        text = re.sub(r"\{[\w:-]+\}`[^`]*`|`+[^`]+`+", "", text)
        text = re.sub(r"\]\([^)]*\)|<[^>]+>|https?://\S+", "", text)
        return text


def chapters():
    return [Chapter(path.stem, path.read_text("utf-8")) for path in sorted((ROOT / "chapters").glob("*.md"))]
