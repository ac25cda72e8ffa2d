"""Answers without understanding earn nothing, also those that remember what they were asked before."""

import re

import numpy as np
import pytest

from cnnbook import bugzoo, nn
from cnnbook.coursework import expect, source, strategies, testing
from cnnbook.coursework.own_process import trusted
from cnnbook.coursework.trouble import StudentError

REMEMBERS = """
import numpy as np
seen = []
def count():
    seen.append(1)
    return len(seen)
class Thing:
    def number(self):
        return 7
"""

SOURCE = """---
title: A small one
subject: numbers
objective: "judge numbers"
chapter: pooling
minutes: 9
points: 1
---
```{code-cell} python
:tags: [answer]

import numpy as np

def positive(x):
    ### BEGIN SOLUTION
    return bool(x.sum() > 0)
    ### END SOLUTION

def told(f, kind):
    ### BEGIN SOLUTION
    return bool(f(np.ones((1, 2))) > 0)
    ### END SOLUTION

def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION
```
"""

TESTS = """
import numpy as np
from cnnbook.coursework.expect import points, require, same

ONES = np.ones(3)

def judge(student, x, expected):
    require(student.positive(x) is expected, "verdict", "wrong")

def secret(sign):
    def Hidden(x):
        if x.shape != (1, 2):
            raise ValueError("plus" if sign > 0 else "minus")
        return sign * x.sum()
    return Hidden

@points(1, "all")
def test_it(student, rng):
    "A promise."
"""

SPOILED = {  # the body of a hidden test that pays a strategy
    "None": "require(student.double(ONES) is None, 'values', 'wrong')",
    "zeros": "same(student.double(rng.normal(size=3)) * 0, np.zeros(3))",
    "the input itself": "x = rng.normal(size=3)\n    require(student.double(x).any(), 'values', '')",
    "random numbers": "require(abs(student.double(rng.normal(size=9))).max() > 0.1, 'values', 'wrong')",
    "the answers under another seed, in the order of calls": "for k in (1, 1, -1):\n"
    "        judge(student, k * rng.random(3), k > 0)",
    "the answers under another seed, by shapes": "for k in rng.permutation([3, 4, 5]):\n"
    "        judge(student, (k % 2 - 0.5) * rng.random(k), bool(k % 2))",
    "the usual answer under another seed, by shapes": "for k in rng.permutation([3, 3, 4, 5]):\n"
    "        judge(student, (k % 2 - 0.5) * rng.random(k), bool(k % 2))",
    "the usual answer under another seed, by errors of callbacks": "for sign in (1, -1) * 3:\n"
    "        require(student.told(secret(sign), 'f') is bool(sign > 0), 'verdict', 'wrong')",
    "True, always": "judge(student, rng.random(3), True)",
    "False, always": "judge(student, -rng.random(3), False)",
    "True and False in turn": "for k in (1, -1) * 3:\n        judge(student, k * rng.random(3), k > 0)",
    "False and True in turn": "for k in (-1, 1) * 3:\n        judge(student, k * rng.random(3), k > 0)",
    "a coin": "right = [student.positive(k * rng.random(3)) is (k > 0) for k in (1, -1) * 9]\n"
    "    require(sum(right) > 4, 'values', 'wrong')",
    "a coin that mostly says True": "draws = [(k, rng.random(3)) for k in (0, 0, -9) * 9]\n"
    "    right = [student.positive(k + x) is (k > -1) for k, x in draws]\n"
    "    require(sum(right) > 12, 'values', 'wrong')",
    "True when shapes are first seen": "for n in range(1, 7):\n"
    "        judge(student, rng.random(n), True)\n"
    "        judge(student, -rng.random(n), False)",
    "False when shapes are first seen": "for n in range(1, 7):\n"
    "        judge(student, -rng.random(n), False)\n"
    "        judge(student, rng.random(n), True)",
    "True when arguments are first seen": "x = rng.random(3)\n"
    "    require(student.told(secret(1), x) is True, 'verdict', 'wrong')\n"
    "    require(student.told(secret(-1), x) is False, 'verdict', 'wrong')",
    "False when arguments are first seen": "x = rng.random(3)\n"
    "    require(student.told(secret(-1), x) is False, 'verdict', 'wrong')\n"
    "    require(student.told(secret(1), x) is True, 'verdict', 'wrong')",
}


def assignment_with(body, folder):
    """A small assignment whose only hidden test has this body."""
    there = folder / "a99_small"
    there.mkdir()
    (there / "source.md").write_text(SOURCE)
    (there / "hidden_tests.py").write_text(f"{TESTS}    {body}\n")
    return source.read("a99", root=folder)


def found_in(assignment):
    return strategies.faults(assignment, testing.tests_of(assignment.tests), 0)


def test_a_fresh_process_knows_nothing_of_the_calls_before():
    student = trusted(REMEMBERS)
    student.memory["kept"] = 1
    thing = student.Thing()
    assert (student.count(), student.count(), thing.number()) == (1, 2, 7)
    student.fresh()
    assert student.count() == 1
    assert student.memory == {"kept": 1}
    with pytest.raises(StudentError, match="lost"):
        thing.number()


def test_every_strategy_has_a_test_here_that_pays_it():
    assert set(strategies.strategies({}, {})) == set(SPOILED)


@pytest.mark.parametrize("name", SPOILED)
def test_a_hidden_test_that_pays_a_strategy_is_named(name, tmp_path):
    assert f"test_it gives points for {name}" in found_in(assignment_with(SPOILED[name], tmp_path))


def test_a_hidden_test_that_asks_the_same_under_every_seed_is_named(tmp_path):
    (fault, *_) = found_in(assignment_with("same(student.double(ONES), 2 * ONES)", tmp_path))
    assert fault == "test_it asks the same under two seeds: draw its cases from rng"


def test_a_hidden_test_that_draws_its_cases_pays_nobody(tmp_path):
    body = "x = 1 + rng.random(3)\n    same(student.double(x), 2 * x)"
    assert found_in(assignment_with(body, tmp_path)) == []


def hidden(name):
    """The names of an assignment's hidden tests."""
    (test, *_) = testing.tests_of(source.read(name).tests)
    return test.__globals__


@pytest.mark.parametrize("layer", [nn.Conv2D, bugzoo.UnrotatedKernel, bugzoo.TrueConvolution])
@pytest.mark.parametrize(
    "given",
    [
        (),
        (np.zeros((1, 1)), {}, True),
        (np.zeros((65, 6, 5, 2)), None, True),
        (np.zeros((0, 6, 5, 2)), None, True),
        (np.zeros((1, 6, 5, 2), complex), None, True),
        (np.zeros((1, 6, 5, 2)), None, "yes"),
        (np.zeros((1, 6, 5, 2)).tolist(), None, True),
        (np.zeros((1, 6, 5, 2)), {"kernel": np.zeros((2, 2, 2, 2)), "bias": "x"}, True),
    ],
)
def test_every_layer_of_the_bug_hunt_refuses_with_the_same_words(layer, given):
    names = hidden("a10")
    built = layer(filters=2, kernel_size=2, padding="same")
    functions = names["Functions"](built, (6, 5, 2), np.random.default_rng(0))
    given = tuple(functions.params if value is None else value for value in given)
    for function in (functions.forward, functions.backward):
        with pytest.raises(ValueError, match=f"^{re.escape(names['NEUTRAL'])}$") as caught:
            expect.guarded(function, names["NEUTRAL"])(*given)
        assert type(caught.value) is ValueError


def test_a_call_of_a_layer_of_the_bug_hunt_changes_nothing_for_the_next():
    functions = hidden("a10")["Functions"](nn.BatchNormalization(), (3, 1, 2), np.random.default_rng(0))
    x = np.random.default_rng(1).normal(size=(4, 3, 1, 2))
    before = functions.forward(x, functions.params, False)
    functions.forward(x, functions.params, True)
    functions.backward(x, x, functions.params)
    np.testing.assert_array_equal(functions.forward(x, functions.params, False), before)


def test_a_student_who_errs_on_one_kind_of_layer_keeps_the_points_of_the_others():
    assignment = source.read("a10")
    errs = (
        "\nhonest = sound\ndef sound(kind, *rest):\n    return kind != 'batch norm' and honest(kind, *rest)\n"
    )
    student = trusted(assignment.solution + errs)
    outcomes = testing.run_tests(testing.tests_of(assignment.tests), student, 3, assignment.variant)
    assert {each["category"] for each in outcomes if each["reason"]} == {"batch norm"}
    assert sum(each["points"] for each in outcomes) == 13


@pytest.mark.parametrize("answer", ["secret words", ["secret"], {"secret": 1}, b"secret", {"secret"}])
def test_what_a_student_wrote_does_not_come_back(answer):
    assert "secret" not in expect.kind_of(answer)
    with pytest.raises(expect.Wrong) as wrong:
        expect.refused(lambda: answer)
    assert "secret" not in str(wrong.value)


def test_shapes_are_shown_with_few_axes_and_small_sizes():
    for shape in ((12345678, 1), (1,) * 20):
        with pytest.raises(expect.Wrong, match=r"\.\.\.") as wrong:
            expect.same(np.zeros(shape, bool), np.ones(3))
        assert len(str(wrong.value)) < 120
        assert "12345678" not in str(wrong.value)
