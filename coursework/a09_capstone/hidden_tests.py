"""Assignment 9: three trainings on images of the grader's own; their labels never leave it."""

import re
from pathlib import Path

import numpy as np

from cnnbook.coursework.expect import points, require

SEEDS = 3


def draw_shapes(n, rng):
    """The generator that the assignment gives, read out of its own source."""
    text = Path(__file__).with_name("source.md").read_text("utf-8")
    code = re.search(r"^import numpy.*?(?=^```)", text, flags=re.DOTALL | re.MULTILINE)[0]
    names = {}
    exec(code, names)
    return names["draw_shapes"](n, rng)


def runs(student, rng):
    """(parameters, held-out images, labels) of each seed; trained once, whatever test asks first."""
    if "runs" not in student.memory:
        student.memory["runs"] = []
        for seed in range(SEEDS):
            x, y = draw_shapes(400, rng)
            held_out = draw_shapes(600, rng)
            student.memory["runs"].append((student.train(x, y, seed), *held_out))
    require(len(student.memory["runs"]) == SEEDS, "training", "train did not finish in an earlier test")
    return student.memory["runs"]


def shares(student, rng, shift=0):
    """The share of held-out images that is right, for each seed."""
    found = []
    for params, x, y in runs(student, rng):
        answer = student.predict(params, np.roll(x, shift, axis=2))
        require(
            isinstance(answer, np.ndarray) and answer.shape == y.shape,
            "shape",
            f"predict must return {y.shape}",
        )
        require(answer.dtype.kind in "iu", "type", f"predict must return integers. Yours are {answer.dtype}.")
        found.append(float((answer == y).mean()))
    return found


def at_least(found, share):
    worst = min(found)
    require(
        worst >= share,
        "accuracy",
        f"{worst:.1%} of held-out images are right in the worst of {SEEDS} trainings",
    )


@points(4, "accuracy", visible=True)
def test_better_than_half(student, rng):
    """More than half of the held-out images are right, in each of three trainings."""
    at_least(shares(student, rng), 0.55)


@points(4, "budget")
def test_the_budget_is_kept(student, rng):
    """A network with at most 1,000 parameters, all of them finite numbers, gets more than half right."""
    for params, *_ in runs(student, rng):
        require(isinstance(params, dict) and params, "type", "train must return a dictionary of arrays")
        count = sum(np.size(value) for value in params.values())
        require(count <= 1000, "budget", f"{count} parameters, more than 1,000")
        finite = all(np.isfinite(value).all() for value in params.values())
        require(finite, "values", "a parameter is nan or inf")
    at_least(shares(student, rng), 0.55)


@points(4, "accuracy")
def test_eighty_percent(student, rng):
    """At least 80 of 100 held-out images are right, in each of three trainings."""
    at_least(shares(student, rng), 0.80)


@points(3, "accuracy")
def test_ninety_percent(student, rng):
    """At least 90 of 100 held-out images are right, in each of three trainings."""
    at_least(shares(student, rng), 0.90)


@points(3, "shift")
def test_a_shift_by_one_pixel(student, rng):
    """Images shifted by one pixel, some over the edge, are recognised nearly as well: at least 75 of 100."""
    here, moved = shares(student, rng), shares(student, rng, shift=1)
    at_least(moved, 0.75)
    worst = max(a - b for a, b in zip(here, moved, strict=True))
    require(worst < 0.12, "shift", f"one pixel costs {worst:.1%} of the images")


@points(2, "repeatable")
def test_the_seed_decides(student, rng):
    """The same seed gives the same numbers, and another seed gives others that work as well."""
    x, y = draw_shapes(80, rng)
    first, again, other = (student.train(x, y, seed) for seed in (0, 0, 1))
    require(isinstance(first, dict) and first, "type", "train must return a dictionary of arrays")
    same = all(np.array_equal(first[name], again[name]) for name in first)
    require(same, "values", "two trainings with the same seed and images give different numbers")
    differ = any(not np.array_equal(first[name], other[name]) for name in first)
    require(differ, "values", "another seed gives the same numbers")
    at_least(shares(student, rng), 0.55)
