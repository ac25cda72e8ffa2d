"""The gates that read the built files. Each function takes one page and returns what is wrong with it.

The same functions serve the tests of the real pages and the tests that plant a fault in a copy of one.
"""

import gzip
import json
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

import cnnbook.widgets
from cnnbook.widgets.modules import source

ROOT = Path(__file__).parents[2]
KINDS = {kind.tag: kind for kind in vars(cnnbook.widgets).values() if hasattr(kind, "script")}
KB = 1024


def pages_of_the_book():
    """Name every page in reading order: what _toc.yml names, and the two pages that Sphinx adds."""

    def files(entry):
        if isinstance(entry, list):
            return [name for each in entry for name in files(each)]
        if not isinstance(entry, dict):
            return []
        own = [entry[key] for key in ("root", "file") if key in entry]
        return own + [name for value in entry.values() for name in files(value)]

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))
    return [re.sub(r"\.(md|ipynb|rst)$", "", name) for name in files(toc)] + ["genindex", "search"]


def chapters_of_the_book():
    """Name the chapters: the pages in a numbered part of _toc.yml."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text("utf-8"))["parts"]
    return [page["file"] for part in parts if part.get("numbered") for page in part["chapters"]]


@dataclass
class Html(HTMLParser):
    """One built page: its tags, scripts, styles and ids, in the order of the file."""

    name: str
    text: str
    tags: list = field(default_factory=list)  # (tag, attributes)
    scripts: list = field(default_factory=list)  # (attributes, body)
    styles: str = ""
    title: str = ""

    def __post_init__(self):
        super().__init__()
        self.inside = None
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        attributes = {key: value or "" for key, value in attrs}
        self.tags.append((tag, attributes))
        self.inside = tag
        if tag == "script":
            self.scripts.append((attributes, ""))

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            attributes, body = self.scripts.pop()
            self.scripts.append((attributes, body + data))
        elif self.inside == "style":
            self.styles += data
        elif self.inside == "title" and not self.title:
            self.title = data.strip()

    def having(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.tags if attributes.get("id")]

    @property
    def sheets(self):
        return [a["href"] for a in self.having("link") if "stylesheet" in a.get("rel", "")]

    @property
    def modules(self):
        return [body for attributes, body in self.scripts if attributes.get("type") == "module"]

    @property
    def leads_to(self):
        """Where the page sends its reader at once; None for a page to read."""
        refresh = [meta["content"] for meta in self.having("meta") if meta.get("http-equiv") == "Refresh"]
        return refresh[0].split("url=", 1)[1] if refresh else None

    @property
    def widgets(self):
        return sorted({tag for tag, _ in self.tags} & set(KINDS))

    def file(self, site, address):
        """Turn a link of this page into the file it names."""
        return ((site / self.name).parent / unquote(urlsplit(address).path)).resolve()


@cache
def read(site, name):
    return Html(name, (site / f"{name}.html").read_text("utf-8"))


def nothing(problems):
    """Fail with every problem in full."""
    if problems:
        pytest.fail("\n".join([f"{len(problems)} problems", *problems]), pytrace=False)


def repeated(values):
    return [
        f"{each[:80]!r} is there {values.count(each)} times"
        for each in dict.fromkeys(values)
        if values.count(each) > 1
    ]


def frame(html):
    """Find what a page's frame lacks: a title, the language, one viewport, each id once."""
    counts = {"title": int(len(html.title) > 5)}
    counts['lang="en"'] = [page.get("lang") for page in html.having("html")].count("en")
    counts["viewport"] = [meta.get("name") for meta in html.having("meta")].count("viewport")
    problems = [f"{name}: {count} instead of one" for name, count in counts.items() if count != 1]
    return problems + [f"id {each}" for each in repeated(html.ids)]


FETCHED = {"src", "srcset", "poster", "data", "action", "formaction", "xlink:href"}
FOREIGN = r"(?:https?:|wss?:)?//"
LOADERS = (
    r"cdn\.|cdnjs|jsdelivr|unpkg|googleapis|gstatic|googletagmanager|require(?:\.min)?\.js|requirejs|thebe"
)


def elsewhere(html):
    """Gate 1: find what a browser would fetch from another address, and loaders that would."""
    problems = []
    for tag, attributes in html.tags:
        for key, value in attributes.items():
            fetched = key in FETCHED or (key == "href" and tag in ("link", "use", "image"))
            if fetched and attributes.get("rel") not in ("canonical", "license") and re.match(FOREIGN, value):
                problems.append(f"<{tag} {key}={value[:80]!r}> is elsewhere")
            if re.search(rf"(?:url\(|@import)\s*['\"]?{FOREIGN}", value):
                problems.append(f"<{tag} {key}> takes a style from elsewhere")
        if tag == "link" and re.search("preconnect|dns-prefetch|prerender", attributes.get("rel", "")):
            problems.append(f"<link rel={attributes['rel']!r}> calls {attributes.get('href')}")
    for found in re.findall(rf"(?:url\(|@import)\s*['\"]?{FOREIGN}[^)'\"]*", html.styles):
        problems.append(f"a style asks for {found[:80]}")
    for attributes, body in html.scripts:
        kind, source = attributes.get("type", ""), attributes.get("src", "")
        if found := re.search(LOADERS, f"{source} {kind} {body}", re.IGNORECASE):
            problems.append(f"a script names {found[0]!r}: {(source or body.strip())[:60]!r}")
        if kind.startswith("application/vnd.jupyter.widget"):
            problems.append(f"a script of type {kind} repeats what the widgets carry themselves")
    return problems


def twice(html):
    """Find scripts and style sheets that a page has more than once."""
    sources = [attributes["src"].split("?")[0] for attributes, _ in html.scripts if attributes.get("src")]
    bodies = [body.strip() for attributes, body in html.scripts if not attributes.get("src")]
    return repeated([*sources, *(sheet.split("?")[0] for sheet in html.sheets), *filter(None, bodies)])


SECRETS = (str(ROOT), f"{Path.home()}/", "/ipykernel_")
OUTCRIES = (r"\boutput stderr\b", r"\boutput traceback\b", r"Traceback \(most recent", r"\b\w+Warning:")


def leaks(html):
    """Find tracebacks and warnings that the chapter did not mean to show, and paths of this machine."""
    problems = [
        f"the page shows {each!r}, a path of the machine that built it"
        for each in SECRETS
        if each in html.text
    ]
    for cell in re.split(r'(?=<div class="cell )', html.text)[1:]:
        opening, _, output = cell.partition('class="cell_output')
        for outcry in OUTCRIES:
            if "tag_raises-exception" not in opening.split(">")[0] and re.search(outcry, output):
                said = re.sub(r"<[^>]*>|\s+", " ", output.partition(">")[2])
                problems.append(f"a cell shows {outcry!r}: {said[:80]!r}")
    return problems


def dead_links(html, site):
    """Find links and files inside the book that lead nowhere, and `#id:state` that drives no widget."""
    problems = []
    here = (site / f"{html.name}.html").resolve()
    for tag, attributes in html.tags:
        for key in {"href", "src"} & attributes.keys():
            address = attributes[key]
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or address in ("", "#"):
                continue
            file = html.file(site, address) if parts.path else here
            if not file.is_file():
                problems.append(f"<{tag} {key}={address!r}> leads nowhere")
            elif parts.fragment and file.suffix == ".html":
                other = (
                    html
                    if file == here
                    else read(site, str(file.relative_to(site.resolve()))[: -len(".html")])
                )
                wanted, _, state = unquote(parts.fragment).partition(":")
                tags = [tag for tag, attributes in other.tags if attributes.get("id") == wanted]
                if not tags:
                    problems.append(f"<{tag} {key}={address!r}> names nothing on {other.name}")
                elif state and tags[0] not in other.widgets:
                    problems.append(f"<{tag} {key}={address!r}> drives a <{tags[0]}>, which is no widget")
    return problems


def other_modules(html):
    """Gate 5: find widget modules that are not on the page once, byte for byte as their tests run them."""
    problems = []
    for file in sorted({file for tag in html.widgets for file in KINDS[tag].files()}):
        count = sum(source(file) in body for body in html.modules)
        if count != 1:
            problems.append(f"{file} is in {count} scripts of the page, byte for byte, instead of one")
    return problems


def to_explore(html):
    """Find figures to explore that lack a part, and pages that load for them what they do not need."""
    figures = [tag for tag in html.having("div") if tag.get("class") == "cnn-figure explore"]
    folds = [tag for tag in html.having("details") if tag.get("class") == "explore-numbers"]
    data = [body for tag, body in html.scripts if tag.get("type") == "application/json"]
    sources = [tag.get("src", "") for tag, _ in html.scripts]
    found = {
        "explore.js": (sum("explore.js" in source for source in sources), int(bool(figures))),
        "Plotly, before the reader asks for it,": (sum("plotly" in source for source in sources), 0),
        "a figure's data": (
            sum({"data", "layout"} <= json.loads(body).keys() for body in data),
            len(figures),
        ),
        "a figure's numbers": (len(folds), len(figures)),
    }
    return [
        f"{what} is there {count} times, wanted {wanted}, for {len(figures)} figures to explore"
        for what, (count, wanted) in found.items()
        if count != wanted
    ]


# ---------------------------------------------------------------- gate 10: weight


def packed(content):
    return len(gzip.compress(content if isinstance(content, bytes) else content.encode(), mtime=0)) / KB


def weights(html, site):
    """Weigh a page, gzipped, in KB: what is the book's own, and apart from it what comes with the tools."""
    parts = {
        "page": packed(html.text),
        "own css": 0,
        "own js": 0,
        "theme": 0,
        "maths": 0,
        "plotly": 0,
        "images": 0,
    }
    own = {path.name for path in (ROOT / "assets").rglob("*")}
    scripts = [attributes["src"] for attributes, _ in html.scripts if attributes.get("src")]
    for address in dict.fromkeys([*scripts, *html.sheets]):
        file = html.file(site, address)
        apart = next(
            (kind for word, kind in (("katex", "maths"), ("plotly", "plotly")) if word in address), "theme"
        )
        if file.is_file():
            parts[f"own {file.suffix[1:]}" if file.name in own else apart] += packed(file.read_bytes())
    for address in {image.get("src", "") for image in html.having("img")}:
        file = html.file(site, address)
        parts["images"] += file.stat().st_size / KB if file.is_file() else 0
    parts["all own js"] = parts["own js"] + sum(map(packed, html.modules))
    parts["in all"] = parts["page"] + parts["own css"] + parts["own js"]
    return parts


def overweight(html, site):
    """Gate 10, for a page: its own JavaScript, and its HTML with its own CSS and JavaScript."""
    parts = weights(html, site)
    budgets = {
        "all own js": 70 if html.name.endswith("gallery") else 40,
        "in all": 150 if "training-player" in html.widgets else 120,
    }
    return [
        f"{name}: {parts[name]:.1f} KB gz, more than {most}"
        for name, most in budgets.items()
        if parts[name] > most
    ]


def bundles():
    """Group the files for gate 10: those of one widget, those of every widget, and parts that some share."""
    bundles = {}
    for file in dict.fromkeys(file for kind in KINDS.values() for file in kind.files()):
        tags = [tag for tag, kind in KINDS.items() if file in kind.files()]
        name = tags[0] if len(tags) == 1 else "every widget" if len(tags) == len(KINDS) else file
        bundles.setdefault(name, []).append(file)
    return bundles


def heavy(name, text):
    """Gate 10, for a bundle as pages carry it, in KB: 6 for what every widget has, a part 2.5, a widget 8.

    The conv-stepper, the widest of them, may weigh 14.
    """
    most = {"every widget": 6, "conv-stepper": 14}.get(name, 8 if name in KINDS else 2.5)
    return [f"{name}: {packed(text):.1f} KB gz, more than {most}"] if packed(text) > most else []
