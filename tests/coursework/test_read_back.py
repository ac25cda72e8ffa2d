"""Every exported file is read back by a parser of its own kind, with hostile names and messages in it."""

import ast
import csv
import io
import json
import unicodedata
import zipfile
from html.parser import HTMLParser

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator

from cnnbook.coursework import course, export, feedback, gradescope, results
from cnnbook.coursework.__main__ import main
from cnnbook.coursework.file_names import file_name
from cnnbook.coursework.marks import Mark, marks_of
from cnnbook.coursework.texts import plain

HOSTILE = [
    "a,b;c\td",
    "\"quoted\" and 'quoted'",
    "two\nlines\r\nand\rthree",
    '=HYPERLINK("http://x.org","y")',
    "\n=1+1",
    " \u200b\ufeff=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    "\ufe63\u2003-1",
    "=\u0338x",
    "-2+3",
    "@x",
    "\t=1",
    "\u202e=1",
    "</script><script>alert(1)</script>",
    "<img src=x onerror='alert(1)'> &amp; &#60;b&#62;",
    "]]><!-- --></li></body>",
    "{score} {0} %s",
    "half a pair \ud83d and \udc00",
    "\u202eright to left\u202c \u2066",
    "\x00\x07\x1b[2J\x1b]0;title\x07\x9b31m\x7f",
    "\u2028\u2029\x85\x0b\x0c",
    "\U0001f469\u200d\U0001f52c \U0001f600",
    "देवनागरी 李 Zoë",
    "x" * 10_000,
    "=" * 10_000,
]
ANY_TEXT = st.text(st.characters(exclude_categories=()))
JOINERS = "\u200c\u200d"
RAW = ("Cc", "Cf", "Cs", "Zl", "Zp")


def is_clean(text, allowed=""):
    """True without control, format and line characters and half pairs, but for those allowed."""
    return all(each in allowed or unicodedata.category(each) not in RAW for each in text)


def is_formula(cell):
    """True if a spreadsheet may run the cell: what it begins with, behind all that may be skipped."""
    left = cell.lstrip()
    while left and unicodedata.category(left[0]) in ("Zs", *RAW):
        left = left[1:]
    starts = (cell[:1], left[:1], unicodedata.normalize("NFKC", left[:1])[:1])
    return any(start and start in "=+-@\t\r\n" for start in starts)


def table(text):
    """The rows of a CSV file, as a strict parser sees them."""
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        assert not is_formula(cell)
        assert is_clean(cell, JOINERS)
    assert text.encode("utf-8").count(b"\n") == len(rows)
    return rows


@pytest.mark.parametrize("kind", export.FORMATS)
def test_the_marks_are_a_table_of_texts_and_numbers(kind):
    students = [
        {"id": f"{number}", "name": text, "email": text, "login": text, "section": text}
        for number, text in enumerate(HOSTILE)
    ]
    marks = [Mark(who, who["name"], 2.5, 24, who["name"]) for who in students]
    rows = table(export.FORMATS[kind](marks, '=Title,"\n'))
    rows = rows[2:] if kind == "canvas" else rows[1:]
    assert len(rows) == len(HOSTILE)
    place = {"csv": (0, 1, 3), "canvas": (2, 0, 5), "moodle": (0, 1, 3)}[kind]
    for number, (text, row) in enumerate(zip(HOSTILE, rows, strict=True)):
        found = [row[index] for index in place]
        assert (found[0], float(found[2])) == (str(number), 2.5)
        shown = plain(text, keep=JOINERS)
        assert found[1] in (shown, f"'{shown}")
        assert is_formula(text) == (found[1] != shown)


@given(st.lists(st.tuples(ANY_TEXT, st.floats(0, 100)), min_size=1))
def test_any_text_is_one_cell_and_every_number_a_number(lines):
    rows = table(export.text_of([["head", "number"], *map(list, lines)]))
    assert [float(row[1]) for row in rows[1:]] == [number for _, number in lines]


class Structure(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, attrs))

    def handle_endtag(self, tag):
        self.elements.append((f"/{tag}", []))

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    handle_pi = unknown_decl = handle_comment


def result_with(text):
    """A result in which every text that others write is this one."""
    test = {"name": "t", "title": text, "category": text, "points": 1, "worth": 2, "reason": text}
    tests = [test | {"message": text, "detail": text, "visible": visible} for visible in (True, False)]
    facts = {"assignment": "a02", "status": "graded", "score": 1, "most": 24, "tests": tests}
    return {**facts, "submission": plain(text), "reason": text, "notes": [text, text], "fingerprint": ""}


@pytest.mark.parametrize("show", course.POLICIES)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_page_has_the_elements_of_a_harmless_one_and_the_text(text, show):
    page = feedback.page(result_with(text), text, show)
    read = Structure(page)
    assert read.elements == Structure(feedback.page(result_with("harmless"), "A", show)).elements
    assert read.text.count(plain(text)) >= 8
    assert is_clean(page, "\n")
    assert page.encode("utf-8").decode("utf-8") == page


@given(ANY_TEXT)
def test_no_text_adds_an_element_to_a_page(text):
    page = feedback.page(result_with(f"x{text}"), f"x{text}", "values")
    assert Structure(page).elements == Structure(feedback.page(result_with("x"), "x", "values")).elements


@given(ANY_TEXT)
def test_any_text_survives_in_a_result_and_in_its_name(text):
    sealed = results.seal(result_with(f"x{text}"), course.Course(seed=1))
    again = json.loads(results.text_of(sealed))
    assert results.verified(again, course.Course(seed=1))
    assert again["submission"] == plain(f"x{text}")
    assert plain(again["reason"]) == again["reason"]
    assert len(file_name(again["submission"], ".json").encode()) < 255


def test_hostile_submissions_go_through_export_and_feedback_from_end_to_end(
    public, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    for text in HOSTILE:
        result = result_with(text)
        results.write(tmp_path / "results" / file_name(result["submission"], ".json"), result, public)
    lines = [["id", "name", "email", "login", "section"]]
    lines += [[plain(text), text, "", "", ""] for text in HOSTILE if plain(text) == text]
    with open("roster.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines)
    for kind in export.FORMATS:
        assert main(["export", "--to", kind, "--roster", "roster.csv"]) == 0
        assert len(table((tmp_path / f"marks-{kind}.csv").read_text("utf-8"))) >= len(lines)
    printed = capsys.readouterr().out
    assert is_clean(printed, "\n")
    assert max(map(len, printed.splitlines())) < 1000
    assert main(["feedback"]) == 0
    pages = [path.read_text("utf-8") for path in (tmp_path / "feedback").iterdir()]
    assert len(pages) == len(HOSTILE)
    assert len({str(Structure(page).elements) for page in pages}) == 1
    found = results.results_in(tmp_path / "results", public)
    assert len(table(export.plain_csv(marks_of(found, []), ""))) == len(HOSTILE) + 1


# What Gradescope's manual documents, "Output format". Each result and each test needs a score.
FIELDS = {"score": (int, float), "output": str, "tests": list}
TEST_FIELDS = {"score": (int, float), "max_score": (int, float), "name": str, "output": str}


def strict(text):
    """JSON as others read it: no nan, no name twice."""

    def once(pairs):
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    def refuse(name):
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=once)


@pytest.mark.parametrize("show", course.POLICIES)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_gradescope_reads_a_report_with_documented_fields(text, show, public, a02, tmp_path, monkeypatch):
    for name in ("source", "submission"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "coursework").symlink_to(public.root)
    settings = {"assignment": "a02", "seed": 1, "show": show, "variant": a02.variant}
    (tmp_path / "source" / "job.json").write_text(json.dumps(settings))
    (tmp_path / "submission" / "x.py").write_text("x = 1")
    monkeypatch.setattr(gradescope, "proven", lambda *a: "unsafe")
    monkeypatch.setattr("cnnbook.coursework.job.judged", lambda *a: result_with(text) | {"score": 1.5})
    assert gradescope.main(tmp_path) == 0
    said = strict((tmp_path / "results" / "results.json").read_bytes())
    assert said.keys() <= FIELDS.keys()
    assert all(isinstance(value, FIELDS[name]) for name, value in said.items())
    assert said["score"] == 1.5
    assert len(said["tests"]) == 2
    for test in said["tests"]:
        assert test.keys() == TEST_FIELDS.keys()
        assert all(isinstance(value, TEST_FIELDS[name]) for name, value in test.items())
        assert 0 <= test["score"] <= test["max_score"]
    texts = [said["output"], *(test[name] for test in said["tests"] for name in ("name", "output"))]
    assert is_clean("".join(texts), "\n")
    assert all(len(each) < 3000 for each in texts)


PRIVATE = '''
"""Private tests."""
from cnnbook.coursework.expect import points

@points(2, "private")
def test_of_my_own(student):
    """</script> "quoted" \\u202e =1+1 \U0001f600, {braces} `code`"""
'''


@pytest.fixture
def private(tmp_path, monkeypatch):
    """A course with a hidden test of its own, whose title is odd."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "autumn"]) == 0
    place = tmp_path / "autumn" / "coursework" / "a02_convolution"
    place.mkdir()
    (place / "more_tests.py").write_text(PRIVATE)
    return tmp_path


def test_gradescopes_zip_is_whole_and_each_of_its_files_reads(private):
    assert main(["export", "--to", "gradescope", "--assignment", "a02", "--course", "autumn"]) == 0
    with zipfile.ZipFile(private / "a02-autograder.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len(set(names)) == len(names)
        assert not any(name.startswith("/") or ".." in name for name in names)
        texts = {name: archive.read(name).decode("utf-8") for name in names}
    settings = strict(texts["job.json"])
    assert {name: type(value) for name, value in settings.items()} == {
        "assignment": str,
        "seed": int,
        "show": str,
        "variant": dict,
    }
    for name, text in texts.items():
        if name.endswith(".py"):
            ast.parse(text)
    assert all(texts[name].startswith("#!/bin/bash\n") for name in ("setup.sh", "run_autograder"))
    assert texts["coursework/a02_convolution/more_tests.py"] == PRIVATE


def test_nbgraders_notebook_is_one_for_jupyter_and_for_nbgrader(private):
    assert main(["export", "--to", "nbgrader", "--assignment", "a02", "--course", "autumn"]) == 0
    notebook = nbformat.read(private / "a02.ipynb", as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    marks = [cell.metadata.nbgrader for cell in notebook.cells]
    assert len({mark["grade_id"] for mark in marks}) == len(marks)
    (cell,) = [cell for cell in notebook.cells if cell.metadata.nbgrader.grade_id == "test_of_my_own"]
    assert cell.source.startswith('# </script> "quoted" ')
    ast.parse(cell.source)


ANGRY = """
import numpy as np

def conv2d_loops(x, kernel, bias):
    raise ValueError({text!r})

def im2col(x, height, width):
    raise type({name!r}, (Exception,), {{}})({text!r} * 1000)

def conv2d(x, kernel, bias):
    x[...] = 0
    raise KeyError(chr(0x202e), {text!r})
"""


def test_what_code_shouts_in_the_sandbox_comes_out_clean_everywhere(
    isolation, public, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    for number, text in enumerate(HOSTILE[:-2]):
        source = ANGRY.format(text=text, name=text.replace("\x00", "") or "E")
        if not is_clean(text, "\t\r\n\u200b\ufeff\u2028\u2029"):
            source = source.encode("utf-8", "backslashreplace").decode()
        (tmp_path / "in" / f"s{number}.py").write_text(source, "utf-8", newline="")
    assert main(["grade", "in", "--assignment", "a02"]) == 0
    for path in (tmp_path / "results").glob("*.json"):
        assert path.stat().st_size < 200_000
        assert is_clean(path.read_text("utf-8"), "\n")
        result = results.read(path, public)
        assert result["score"] == 0
        said = [text for test in result["tests"] for text in test.values() if isinstance(text, str)]
        shouted = [text for text in said if "ValueError" in text]
        assert shouted
        assert all(plain(HOSTILE[int(path.stem[1:])]).strip()[:20] in text for text in shouted)
    for show in course.POLICIES:
        assert main(["feedback", "--show", show]) == 0
        for path in (tmp_path / "feedback").iterdir():
            assert is_clean(path.read_text("utf-8"), "\n")
            assert {name for name, _ in Structure(path.read_text("utf-8")).elements} <= ELEMENTS
    assert main(["export", "--to", "csv"]) == 0
    assert len(table((tmp_path / "marks-csv.csv").read_text("utf-8"))) == len(HOSTILE[:-2]) + 1
    told = capsys.readouterr()
    assert is_clean(told.out + told.err, "\n")


NAMES = ["html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "strong", "ul", "li"]
ELEMENTS = {*NAMES, *(f"/{name}" for name in NAMES)}
