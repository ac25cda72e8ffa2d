"""What the pages of the assignments and of the instructors say there is. The commands: tests/coursework."""

import re

import numpy as np
import pytest
import yaml
from support.project_files import ROOT

from cnnbook import nn

COURSEWORK = ROOT / "coursework"
ASSIGNMENTS = (ROOT / "chapters" / "assignments.md").read_text("utf-8")
INSTRUCTORS = (ROOT / "chapters" / "instructors.md").read_text("utf-8")
SOURCES = {path.parent.name[:3]: path.read_text("utf-8") for path in sorted(COURSEWORK.glob("a*/source.md"))}


def header(name):
    return yaml.safe_load(SOURCES[name].split("---\n")[1])


def test_there_are_ten_assignments():
    assert len(SOURCES) == 10
    assert ASSIGNMENTS.split("\n\n")[1].startswith("Ten assignments go with the chapters.")
    assert "ten [assignments](assignments.md) to give" in INSTRUCTORS


def test_the_capstone_is_9_for_a_whole_network_and_the_bug_hunt_10_for_the_bug_zoo():
    assert "The capstone is number 9, for a whole network, and the bug hunt number 10, for" in ASSIGNMENTS
    assert [path.name[:3] for path in COURSEWORK.glob("*_capstone")] == ["a09"]
    assert [path.name[:3] for path in COURSEWORK.glob("*_bug_hunt")] == ["a10"]
    assert (header("a09")["chapter"], header("a10")["chapter"]) == ("cnn_from_scratch", "bug_zoo")


@pytest.mark.parametrize("name", SOURCES)
def test_every_hint_of_an_assignment_has_three_levels(name):
    levels = re.findall(r"<summary>Hint (\d)", SOURCES[name])
    assert levels
    assert levels == ["1", "2", "3"] * (len(levels) // 3)


def test_the_variants_that_instructors_are_offered_exist():
    assert '"variants": {"a02": {"kernel": "turned"}}' in INSTRUCTORS
    assert (
        'Assignment 3 offers `"odd_zero": "before"`, assignment 5 `"layout": "channels first"`' in INSTRUCTORS
    )
    assert "turned" in header("a02")["variants"]["kernel"]
    assert "before" in header("a03")["variants"]["odd_zero"]
    assert "channels first" in header("a05")["variants"]["layout"]


# What an assignment needs beyond the chapter in its head.
ALSO_NEEDED = {
    9: {"training", "pooling", "backprop_convolution"},
    8: {"backprop_convolution"},
    6: {"convolution"},
}


@pytest.mark.parametrize("path", ["five weeks", "ten weeks"])
def test_no_week_asks_for_what_no_earlier_week_taught(path):
    (row,) = [line for line in INSTRUCTORS.splitlines() if line.startswith(f"| {path} |")]
    weeks = re.findall(r"Week (\d+): (.*?), assignment (\d+)\.", row)
    assert [int(week) for week, _, _ in weeks] == list(range(1, len(weeks) + 1))
    assert len(weeks) == {"five weeks": 5, "ten weeks": 10}[path]
    taught = set()
    for _, chapters, number in weeks:
        taught |= set(re.findall(r"\((\w+)\.md\)", chapters))
        needed = {header(f"a{int(number):02}")["chapter"]} | ALSO_NEEDED.get(int(number), set())
        assert needed <= taught, f"assignment {number} needs {needed - taught}"


def test_a_dense_network_within_the_budget_of_the_capstone_is_right_about_six_of_ten_images():
    """Even with tens of thousands of images, six units that look at all pixels stay far from the marks."""
    code = re.search(r"^import numpy.*?(?=^```)", SOURCES["a09"], flags=re.DOTALL | re.MULTILINE)[0]
    names = {}
    exec(code, names)
    shares = {}
    for n, epochs in ((400, 30), (40_000, 6)):
        rng = np.random.default_rng(0)
        (x, y), (x_new, y_new) = names["draw_shapes"](n, rng), names["draw_shapes"](1000, rng)
        model = nn.Sequential([nn.Flatten(), nn.Dense(6), nn.ReLU(), nn.Dense(6)])
        model.build((12, 12, 1), seed=0)
        assert sum(param.size for _, param, _ in model.parameters()) <= 1000
        optimizer = nn.Adam(nn.CosineDecay(0.005, epochs * n // 50))
        x, x_new = x.astype(np.float32), x_new.astype(np.float32)
        nn.fit(model, nn.SoftmaxCrossEntropy(), optimizer, x, y, epochs=epochs, batch_size=50)
        shares[n] = nn.accuracy(y_new, nn.predict(model, x_new).argmax(axis=1))
    assert 0.2 < shares[400] < 0.42
    assert 0.45 < shares[40_000] < 0.72
    assert (
        "three of ten images right after 400 examples, and about six of ten after 100,000" in SOURCES["a09"]
    )


def test_the_solution_of_the_capstone_has_774_numbers():
    assert 25 * 24 + 24 + 24 * 6 + 6 == 774
    assert "rng.normal(size=(25, 24))" in SOURCES["a09"]
    assert "The solution has 774 numbers." in SOURCES["a09"]
