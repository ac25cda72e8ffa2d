"""The table of single changes that `check` and tools/mutate.py share."""

import ast

import pytest

from cnnbook.coursework import source
from cnnbook.coursework.mutations import changes_of


def names(code, **options):
    return [str(change) for change in changes_of(code, **options)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a + b", ["a + b -> a - b", "a + b -> a"]),
        ("a * b", ["a * b -> a / b", "a * b -> a"]),
        ("a // b", ["a // b -> a * b"]),
        ("a <= b < c", ["a <= b < c -> a < b < c"]),
        ("-a", ["-a -> a"]),
        ("sum(axis=-1)", ["-1 -> 1"]),
        ("sum(axis=1)", ["1 -> 2"]),
        ("0.5", ["0.5 -> 0.75"]),
        ("0.0", ["0.0 -> 0.5"]),
        ("f(keepdims=True)", ["True -> False"]),
        ("w.T", ["w.T -> w"]),
    ],
)
def test_each_kind_of_expression_has_its_changes(code, expected):
    assert names(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "raise ValueError(1 + 2)",
        "f'{a + 1}'",
        "zip(a, b, strict=True)",
        "n: Literal[1]",
        "def f() -> Literal[1]: pass",
        "@dataclass(frozen=True)\nclass A: x = field(repr=False)",
        '"""1 + 2"""',
    ],
)
def test_what_no_test_reads_is_left_alone(code):
    assert names(code) == []


def test_heads_of_functions_stay_where_the_caller_asks_for_it():
    code = "def f(x, n=1):\n    return x\n"
    assert names(code) == ["1 -> 2"]
    assert names(code, skip=(ast.arguments,)) == []


def test_a_change_is_made_at_its_place_behind_other_letters_and_over_several_lines():
    code = 'größe = "ü", (\n    a\n    + b\n)\n'
    made = [change.made_in(code) for change in changes_of(code)]
    assert made == ['größe = "ü", (\n    (a - b)\n)\n', 'größe = "ü", (\n    (a)\n)\n']


def test_a_changed_operand_keeps_the_order_of_evaluation():
    assert changes_of("(a + b) * c")[0].made_in("(a + b) * c") == "((a + b) / c)"
    dropped = next(change for change in changes_of("x - (a + b) * c") if str(change).endswith("* c -> a + b"))
    assert eval(dropped.made_in("x - (a + b) * c"), {"x": 10, "a": 1, "b": 2, "c": 5}) == 7


@pytest.mark.parametrize("name", source.find())
def test_every_change_of_a_solution_is_python_and_another_program(name):
    code = source.read(name).solution
    programs = {ast.dump(ast.parse(change.made_in(code))) for change in changes_of(code)}
    assert programs
    assert ast.dump(ast.parse(code)) not in programs
