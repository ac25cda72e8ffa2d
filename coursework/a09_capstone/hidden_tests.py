"""Assignment 9: three trainings on images of the grader's own; their labels never leave it."""

import re
from pathlib import Path

import numpy as np

from cnnbook.coursework.expect import kind_of, points, require

SEEDS, BUDGET = 3, 1000
MOST_ARRAYS, LONGEST_NAME = 32, 30


def draw_shapes(n, rng):
    """The generator that the assignment gives, read out of its own source."""
    text = Path(__file__).with_name("source.md").read_text("utf-8")
    code = re.search(r"^import numpy.*?(?=^```)", text, flags=re.DOTALL | re.MULTILINE)[0]
    names = {}
    exec(code, names)
    return names["draw_shapes"](n, rng)


def learned(params):
    """How many numbers `train` returned; a flat dictionary of arrays, all that `predict` gets."""
    require(isinstance(params, dict) and params, "type", "train must return a dictionary of arrays")
    flat = all(isinstance(v, np.ndarray | np.generic) and v.dtype.kind in "biuf" for v in params.values())
    require(
        flat,
        "type",
        "train must return a flat dictionary: every value an array of numbers, none inside another",
    )
    small = all(v.dtype.itemsize <= 8 and v.size > 0 and v.ndim <= 6 for v in params.values())
    require(
        small, "type", "every array must have at most 6 axes, no axis of size 0, and at most 8 bytes a number"
    )
    names = all(isinstance(name, str) and len(name) <= LONGEST_NAME for name in params)
    require(names and len(params) <= MOST_ARRAYS, "budget",
            f"at most {MOST_ARRAYS} arrays, with names of at most {LONGEST_NAME} letters")  # fmt: skip
    return sum(value.size for value in params.values())


def trained(student, x, y, seed):
    student.fresh()
    return student.train(x, y, seed)


def runs(student, rng):
    """(parameters, held-out images, labels) of each seed; trained once, whatever test asks first."""
    if "runs" not in student.memory:
        student.memory["runs"] = []
        for seed in range(SEEDS):
            x, y = draw_shapes(400, rng)
            held_out = draw_shapes(600, rng)
            student.memory["runs"].append((trained(student, x, y, seed), *held_out))
    require(len(student.memory["runs"]) == SEEDS, "training", "train did not finish in an earlier test")
    for params, *_ in student.memory["runs"]:
        learned(params)
    return student.memory["runs"]


def shares(student, rng, shift=0):
    """The share of held-out images that is right, for each seed; asked once for each shift."""
    place = f"shares {shift}"
    if place not in student.memory:
        student.memory[place] = [share(student, shift, *run) for run in runs(student, rng)]
    return student.memory[place]


def share(student, shift, params, x, y):
    """The share of images that is right, in a process that never saw `train` run."""
    student.fresh()
    answer = student.predict(params, np.roll(x, shift, axis=2))
    fits = isinstance(answer, np.ndarray) and answer.shape == y.shape
    require(fits, "shape", f"predict must return {y.shape}. Yours is {kind_of(answer)}.")
    require(answer.dtype.kind in "iu", "type", "predict must return integers")
    return float((answer == y).mean())


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
        count = learned(params)
        require(count <= BUDGET, "budget", f"{count} parameters, more than {BUDGET:,}")
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
    first, again, other = (trained(student, x, y, seed) for seed in (0, 0, 1))
    for params in (first, again, other):
        learned(params)
    require(set(first) == set(again) == set(other), "values", "other names with another training")
    same = all(np.array_equal(first[name], again[name]) for name in first)
    require(same, "values", "two trainings with the same seed and images give different numbers")
    differ = any(not np.array_equal(first[name], other[name]) for name in first)
    require(differ, "values", "another seed gives the same numbers")
    at_least(shares(student, rng), 0.55)
