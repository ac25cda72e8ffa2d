"""The front door: short, true to the record, and its code prints what it says."""

import contextlib
import io
import re
from statistics import mean

import pytest
from support.project_files import ROOT, settings

from cnnbook import results

README = (ROOT / "README.md").read_text("utf-8")

# The rows of "What it reaches": a recording, and the variant that the book trains.
REACHES = [
    ("mlp", "plain"),
    ("fashion_cnn", "plain"),
    ("small_cnn_one_by_one", "book"),
    ("mnist_cnn", "plain"),
    ("stuck_cnn", "fixed"),
]


def section(title, text=README):
    """What stands under a heading, up to the next one."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text):
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_readme_opens_with_what_the_book_is_and_its_two_commands():
    assert README.startswith(f"# {settings('_config.yml')['title']}\n")
    assert README.index("make book") < README.index("make test") < README.index("## The map")


def test_the_readme_fits_two_screens():
    assert len(README.splitlines()) <= 80
    assert len(rows(section("What it reaches"))) == 5
    assert len(rows(section("The map"))) == 8


# ---------------------------------------------------------------- its code


def said(code):
    """What a block of code says it prints: the comments after its calls of print."""
    return re.findall(r"^print\(.*\)  # prints (.+?)(?:: .*)?$", code, flags=re.MULTILINE)


def printed(code):
    """What the block prints, as lines."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "README.md", "exec"), {})
    return out.getvalue().splitlines()


def blocks(text):
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def test_the_readmes_code_prints_what_it_says():
    (code,) = blocks(README)
    assert len(said(code)) == code.count("print(") == 3
    assert printed(code) == said(code)


def test_code_that_prints_something_else_is_noticed():
    code = "x = 1 + 1\nprint(x)  # prints 3: one and one\nprint(x * 2)  # prints 4\n"
    assert (printed(code), said(code)) == (["2", "4"], ["3", "4"])


# ---------------------------------------------------------------- its figures


def percent(value):
    return f"{100 * value:.1f} %".replace(".0 %", " %")


def reached(name, variant, side):
    """Test accuracy, a mean over the seeds."""
    return percent(
        mean(run["test"]["accuracy"] for run in results.read(name).runs(variant=variant, side=side))
    )


def recorded(name, variant):
    """The three figures of a row: the notebook's claim, ours, Keras'."""
    claim = results.read(name)["claim"].get("accuracy")
    sides = [reached(name, variant, side) for side in ("ours", "keras")]
    return ["" if claim is None else percent(claim), *sides]


def stale(text):
    """The rows of a table whose figures are not those of the record, as (row, what the record says)."""
    found = zip(rows(text), [recorded(*row) for row in REACHES], strict=True)
    return [(row, figures) for row, figures in found if row[1:] != figures]


def test_the_readmes_figures_are_those_of_the_record():
    assert stale(section("What it reaches")) == []


def test_what_the_stuck_network_reached_before_its_repair_is_what_is_recorded():
    named = re.findall(r"[\d.]+ %", rows(section("What it reaches"))[-1][0])
    assert named == [reached("stuck_cnn", "source", "ours")]


def test_a_stale_figure_is_noticed():
    table = section("What it reaches")
    ours = recorded("fashion_cnn", "plain")[1]
    assert table.count(ours) == 1
    assert [figures[1] for _, figures in stale(table.replace(ours, "99.9 %"))] == [ours]


# ---------------------------------------------------------------- its map


def places():
    """The folders of the map, each with where its link leads."""
    return re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", " ".join(row[0] for row in rows(section("The map"))))


def test_every_room_of_the_map_exists_and_its_link_leads_there():
    assert len(places()) > 10
    assert [target for name, target in places() if not (ROOT / target).is_dir()] == []
    assert [name for name, target in places() if not f"{target}/".endswith(name)] == []


def test_every_folder_of_the_package_is_on_the_map():
    folders = {path.parent.name for path in (ROOT / "src" / "cnnbook").glob("*/__init__.py")}
    named = re.findall(r"`(?:[\w/]*/)?(\w+)/?`", section("The map"))
    assert len(folders) > 5
    assert folders <= set(named)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("src/cnnbook/nn/pooling.py", "def backward"),
        ("tests/nn/test_battery.py", "check_layer"),
        ("tests/nn/test_pooling.py", "MaxPooling2D"),
        ("chapters/pooling.md", "# Pooling"),
        ("src/cnnbook/widgets/pool_stepper.py", "class PoolStepper"),
        ("src/cnnbook/widgets/pool_stepper.js", "export function mount"),
    ],
)
def test_the_map_leads_to_max_poolings_gradient_check_page_and_figure(path, content):
    folder, name = path.rsplit("/", 1)
    (found,) = (ROOT / folder).rglob(name)
    assert content in found.read_text("utf-8")
    assert [row for row in rows(section("The map")) if f"{folder}/" in " ".join(row) and name in row[1]]


def test_the_call_by_which_the_map_says_a_recording_reaches_a_page_stands_in_a_chapter():
    (call,) = re.findall(r"`(results\.read\(.+?\))`", section("The map"))
    assert [path for path in (ROOT / "chapters").glob("*.md") if call in path.read_text("utf-8")]
