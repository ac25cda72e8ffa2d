"""Learning-rate schedules: values by hand, their ends, and what is refused."""

import math

import pytest

from cnnbook.nn import CosineDecay, PiecewiseConstantDecay


def test_step_decay_keeps_a_rate_up_to_and_with_its_boundary():
    rate = PiecewiseConstantDecay([2, 5], [1.0, 0.1, 0.01])
    assert [rate(step) for step in (0, 2, 3, 5, 6, 1000)] == [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]


def test_the_cosine_begins_flat_halves_in_the_middle_and_stays_at_its_end():
    rate = CosineDecay(0.8, decay_steps=100, alpha=0.25)
    assert rate(0) == 0.8
    assert rate(50) == pytest.approx((0.8 + 0.2) / 2)
    assert rate(100) == rate(101) == pytest.approx(0.2)
    assert 0.8 - rate(1) < (rate(49) - rate(50)) / 10


def test_warm_up_is_a_line_and_its_steps_come_on_top():
    rate = CosineDecay(0.1, decay_steps=10, warmup_target=0.5, warmup_steps=4)
    assert [rate(step) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert rate(4 + 5) == pytest.approx(0.25)
    assert rate(4 + 10) == rate(400) == pytest.approx(0)
    assert rate(4 + 3) == pytest.approx(0.5 * (1 + math.cos(0.3 * math.pi)) / 2)


@pytest.mark.parametrize(
    ("boundaries", "values"), [([5, 2], [1, 1, 1]), ([2, 2], [1, 1, 1]), ([2], [1]), ([], [])]
)
def test_boundaries_that_do_not_increase_or_do_not_fit_are_refused(boundaries, values):
    with pytest.raises(ValueError, match="boundaries must increase, and values must have one rate more"):
        PiecewiseConstantDecay(boundaries, values)


@pytest.mark.parametrize(
    "arguments",
    [
        {"initial_learning_rate": 0.0, "decay_steps": 5},
        {"initial_learning_rate": 0.1, "decay_steps": 0},
        {"initial_learning_rate": 0.1, "decay_steps": 5, "alpha": 1.5},
        {"initial_learning_rate": 0.0, "decay_steps": 5, "warmup_target": -1.0},
        {"initial_learning_rate": 0.0, "decay_steps": 5, "warmup_target": 1.0},
    ],
)
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(ValueError, match=r"CosineDecay: .* Received"):
        CosineDecay(**arguments)
