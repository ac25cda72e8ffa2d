"""The hints: each pattern is recognised, and nothing is said where nothing is known."""

import numpy as np
import pytest

from cnnbook.gradcheck import hints

rng = np.random.default_rng(0)
SLOPES = rng.standard_normal((3, 6, 7, 2))
X = rng.standard_normal((3, 6, 7, 2))


def hint(analytic, *, right_when=None, x=None):
    def retry(**circumstance):
        return 0.0 if circumstance == right_when else 1.0

    return hints.suggest(analytic, SLOPES, retry, batch_size=3, x=x)


BORDER = np.zeros_like(SLOPES)
BORDER[:, 0] = 1


@pytest.mark.parametrize(
    ("analytic", "words"),
    [
        (-SLOPES, "times -1: a sign is flipped"),
        (3 * SLOPES, "times 3, the batch size: a mean over the batch is missing"),
        (
            SLOPES / 3,
            "times 0.3333, one over the batch size: it was divided by the batch size once too often",
        ),
        (0.5 * SLOPES, "times 0.5, everywhere: a constant factor is missing or too many"),
        (np.zeros_like(SLOPES), "zero everywhere"),
        (np.full_like(SLOPES, np.nan), "nan or inf"),
        (SLOPES + rng.standard_normal(2), "the same error: a path through a mean over the batch is missing"),
        (SLOPES + 0.3 * X + 0.1, "grows with x: a path through the variance of the batch is missing"),
        (np.roll(SLOPES, 1, axis=1), "moved by one pixel along the height"),
        (np.roll(SLOPES, -1, axis=2), "moved by one pixel along the width"),
        (SLOPES + BORDER, "only along the border"),
        (SLOPES * (np.arange(2) == 0) + 0.0, ""),
    ],
)
def test_a_pattern_in_the_numbers_is_recognised(analytic, words):
    assert words in hint(analytic, x=X)


def test_a_few_missing_entries_are_counted():
    analytic = SLOPES.copy()
    analytic[0, 3, 3] = 0
    assert (
        hint(analytic)
        == "2 of 252 entries are wrong, and are zero: their shares are dropped on the way back."
    )
    analytic[0, 3, 3] = 9
    assert hint(analytic) == "2 of 252 entries are wrong, the others right: what do those have in common?"


@pytest.mark.parametrize(
    ("circumstance", "words"),
    [
        ({"batch_size": 1}, "right for a batch of 1 and wrong for 3"),
        ({"ones_upstream": True}, "right for an all-ones upstream gradient"),
        ({"half_turn_kernel": True}, "the same after half a turn"),
        ({"square": True}, "height and width are mixed up"),
    ],
)
def test_a_circumstance_that_makes_it_right_is_named(circumstance, words):
    assert words in hint(rng.standard_normal(SLOPES.shape), right_when=circumstance)


def test_a_gradient_of_pure_noise_gets_no_hint():
    assert hint(rng.standard_normal(SLOPES.shape), x=X) == ""


def test_the_slopes_of_random_directions_are_read_as_well():
    slopes = rng.standard_normal(12)
    assert "a sign is flipped" in hints.suggest(-slopes, slopes, lambda **_: 1.0, 3)
