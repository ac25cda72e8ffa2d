"""Where the book answers each row of the four notebooks it grew out of, and the one page that says so."""

import re

import pytest
from support.project_files import ROOT, project_files
from test_sources import WHERE

PAGE = ROOT / "chapters" / "where_it_comes_from.md"
# The files that may call a row by its label.
LABELLED = {"chapters/where_it_comes_from.md", "tests/project/test_rows.py", "tests/test_sources.py"}

# Rows as in tests/test_sources.py: chapter and label. A row with several sides has several places.
PLACES = {
    "S0-1": ["images_and_data#split-by-order"],
    "S0-2": ["dense_layers#mlp-on-fashion"],
    "S0-3": ["cnn_from_scratch#cnn-same-curves", "cnn_from_scratch#cnn-ten-epochs"],
    "S0-4": ["images_and_data#rank-expansion"],
    "S0-5": ["keras_layers#keras-own-conv"],
    "S0-6": ["keras_layers#keras-save"],
    "S0-7": ["keras_layers#keras-own-batchnorm", "batch_normalization#batchnorm-frozen"],
    "S0-8": ["keras_layers#keras-own-network"],
    "S0-9": [
        "keras_layers#keras-takeaways",
        "batch_normalization#batchnorm-undo",
        "training#training-dropout",
    ],
    "S0-10": ["batch_normalization#batchnorm-bias", "batch_normalization#batchnorm-fold"],
    "S1-1": ["dense_layers#pixel-shuffle", "cnn_from_scratch#cnn-shuffle"],
    "S1-2": ["padding_and_stride#grey-frame", "backprop_convolution#backprop-rotated"],
    "S1-3": ["convolution#ex-bias-per-pixel", "cnn_from_scratch#cnn-ten-epochs"],
    "S1-4": ["dense_layers#initial-spread"],
    "S1-5": ["pooling#ties", "bug_zoo#bug-zoo-ties"],
    "S1-6": ["dense_layers#softmax-overflow", "backprop#backprop-p-minus-y"],
    "S1-7": ["cnn_from_scratch#cnn-ten-epochs", "training#training-batch", "training#training-order"],
    "S1-7, its dev set": ["images_and_data#leak-by-choosing"],
    "S1-8": ["cnn_from_scratch#cnn-judge"],
    "S1-9": ["cnn_from_scratch#cnn-ten-epochs"],
    "S1-10": ["images_and_data#fig-nine"],
    "S2-1": ["images_and_data#ex-mnist"],
    "S2-2": ["dense_layers#bias-per-unit", "keras_layers#keras-tf-module"],
    "S2-3": ["convolution#hand-example"],
    "S2-4": ["padding_and_stride#wrong-output-size"],
    "S2-5": ["convolution#channels-are-summed"],
    "S2-6": ["convolution#filters-must-differ"],
    "S2-7": ["keras_layers#keras-none"],
    "S2-8": ["keras_layers#keras-finished"],
    "S2-9": ["convolution#conv-hand"],
    "S3-1": ["bug_zoo#bug-zoo-stuck"],
    "S3-2": ["images_and_data#ex-standardise"],
    "S3-3": ["backprop_convolution#backprop-row-by-hand"],
    "S3-4": ["pooling#pooling-has-no-weights", "pooling#future-of-pooling", "pooling#shift-tolerance"],
    "S3-5": ["bug_zoo#bug-zoo-stuck", "bug_zoo#bug-zoo-ablation", "bug_zoo#bug-zoo-animals"],
    "S3-5 (a)": ["backprop_convolution#backprop-upstream"],
    "S3-5 (b)": ["backprop_convolution#backprop-rotated", "backprop_convolution#backprop-wrong-trains"],
    "S3-5 (c)": ["dense_layers#initial-spread", "bug_zoo#bug-zoo-stuck"],
    "X-1": ["index#what-it-reaches"],
    "X-2": ["cnn_from_scratch#cnn-same-curves"],
    "X-3": ["index#what-it-reaches"],
    "X-4": ["bug_zoo#bug-zoo-animals"],
    "X-5": ["bug_zoo#bug-zoo-animals"],
}


def labels(chapter):
    """Every name in a chapter's source that a link can lead to."""
    text = (ROOT / "chapters" / f"{chapter}.md").read_text("utf-8")
    return set(re.findall(r'^\((\S+)\)=$|^:label: (\S+)|^ +name: (\S+)|\bid="([\w-]+)"', text, re.MULTILINE))


def missing(places):
    """The places that name no label of their chapter."""
    return [
        place
        for place in places
        if not any(place.split("#")[1] in found for found in labels(place.split("#")[0]))
    ]


@pytest.mark.parametrize("row", PLACES)
def test_a_row_of_the_notebooks_has_its_place_in_the_book(row):
    assert missing(PLACES[row]) == []


def test_a_place_that_is_not_there_is_seen():
    assert missing(["convolution#hand-example", "convolution#nowhere"]) == ["convolution#nowhere"]


def entries(text):
    """What the page says about each row, by its label: "S0-1", "S0-2", ..."""
    parts = re.split(r"^((?:S[0-3]|X)-\d+) · ", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def unlinked(row, places, text):
    """Those of a row's places that its entry on the page does not link to."""
    entry = entries(text).get(re.match(r"\w+-\d+", row)[0], "")
    return [
        place
        for place in places
        if f"](#{place.split('#')[1]})" not in entry and f'"{place.replace("#", ".html#")}"' not in entry
    ]


def unmentioned(mistakes, text):
    """The mistakes that their row's entry on the page does not name, word for word."""
    named = {label: re.findall(r"⚠ \*(.+)\.\*", entry) for label, entry in entries(text).items()}
    return [
        mistake
        for mistake in mistakes
        if mistake.lower() not in {f"{label} {words}".lower() for label in named for words in named[label]}
    ]


@pytest.mark.parametrize("row", PLACES)
def test_the_page_about_the_notebooks_links_to_every_place_of_a_row(row):
    assert unlinked(row, PLACES[row], PAGE.read_text("utf-8")) == []


def test_the_page_about_the_notebooks_names_every_mistake_that_has_a_test():
    assert unmentioned(WHERE, PAGE.read_text("utf-8")) == []


def test_the_page_about_the_notebooks_names_no_row_and_no_mistake_that_nothing_holds():
    text = PAGE.read_text("utf-8")
    assert set(entries(text)) == {re.match(r"\w+-\d+", row)[0] for row in PLACES}
    assert text.count("⚠ *") == len(WHERE)


def test_a_link_or_a_mistake_that_is_missing_on_the_page_is_seen():
    text = "S0-1 · Data\n: [Split](#split).\n  - ⚠ *No order.* Shuffle.\n"
    text += 'S0-2 · A net\n: <a href="net.html#fig">x</a>'
    assert unlinked("S0-1", ["images#split", "net#fig"], text) == ["net#fig"]
    assert unlinked("S0-2, its fig", ["images#split", "net#fig"], text) == ["images#split"]
    assert unlinked("S0-3", ["net#fig"], text) == ["net#fig"]
    assert unmentioned(["S0-1 no order", "S0-2 no order", "S0-1 order"], text) == [
        "S0-2 no order",
        "S0-1 order",
    ]


def labelled(files):
    """The files that hold a row's label, in their text or their name, as (path, label)."""
    label = re.compile(r"\bS[0-3]\b|(?<![a-zA-Z0-9])s[0-3][_-]\d", re.ASCII)
    for path, text in files:
        if found := label.search(path) or label.search(text):
            yield path, found[0]


def test_no_other_file_calls_a_row_of_the_notebooks_by_its_label():
    files = [(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in project_files()]
    assert [found for found in labelled(files) if found[0] not in LABELLED] == []
    assert {path for path, _ in labelled(files)} == LABELLED


def test_a_label_outside_the_page_is_seen():
    files = [
        ("a.md", "as in S1-5 (b)"),
        ("results/s0_3.json", "{}"),
        ("b.py", 'read("s3_5")'),
        ("c.py", "ws0-3"),
        ("d.md", "the loss of S3"),
    ]
    assert [path for path, _ in labelled(files)] == ["a.md", "results/s0_3.json", "b.py", "d.md"]
