"""Weights before training: spread, bounds, fans, reproducibility."""

import math
import re

import numpy as np
import pytest

from cnnbook.nn import Dense, GlorotNormal, GlorotUniform, HeNormal, HeUniform, RandomNormal, Zeros
from cnnbook.nn.initializers import fans, truncated_normal

# 3x3 kernels, 20 channels to 50 filters: fan-in 180, fan-out 450, 9000 draws.
SHAPE, FAN_IN, FAN_OUT = (3, 3, 20, 50), 180, 450
RANDOM = {
    GlorotUniform(): 2 / (FAN_IN + FAN_OUT),
    GlorotNormal(): 2 / (FAN_IN + FAN_OUT),
    HeUniform(): 2 / FAN_IN,
    HeNormal(): 2 / FAN_IN,
    RandomNormal(): 0.05**2,
    RandomNormal(stddev=0.3): 0.3**2,
}


def draw(initializer, seed=0, dtype=np.float64, shape=SHAPE):
    return initializer(shape, np.random.default_rng(seed), dtype)


def test_fans_count_window_times_channels_and_window_times_filters():
    assert fans((784, 256)) == (784, 256)
    assert fans((3, 5, 7, 11)) == (3 * 5 * 7, 3 * 5 * 11)


@pytest.mark.parametrize("initializer", RANDOM, ids=repr)
def test_weights_have_mean_zero_and_the_variance_the_paper_asks_for(initializer):
    weights = draw(initializer)
    stddev = math.sqrt(RANDOM[initializer])
    # Four standard errors of 9000 draws.
    assert abs(weights.mean()) < 4 * stddev / math.sqrt(weights.size)
    assert weights.std() == pytest.approx(stddev, rel=0.03)


@pytest.mark.parametrize("initializer", [GlorotUniform(), HeUniform()], ids=repr)
def test_uniform_weights_fill_their_interval_and_do_not_leave_it(initializer):
    limit = math.sqrt(3 * RANDOM[initializer])
    weights = draw(initializer)
    assert np.abs(weights).max() <= limit
    assert weights.max() > 0.99 * limit
    assert weights.min() < -0.99 * limit


@pytest.mark.parametrize("initializer", [GlorotNormal(), HeNormal()], ids=repr)
def test_normal_weights_end_at_two_standard_deviations_before_rescaling(initializer):
    stddev = math.sqrt(RANDOM[initializer])
    bound = 2 * stddev / 0.87962566103423978
    assert 0.98 * bound < np.abs(draw(initializer)).max() <= bound


def test_truncated_normal_cuts_small_arrays_too():
    for seed in range(200):
        draws = truncated_normal((5,), 1.0, np.random.default_rng(seed), np.float64)
        assert np.abs(draws).max() <= 2 / 0.87962566103423978


def test_truncated_normal_draws_again_what_lies_outside_instead_of_clipping():
    weights = truncated_normal((20_000,), 1.0, np.random.default_rng(0), np.float64)
    assert len(np.unique(weights)) == weights.size
    assert weights.std() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("initializer", [*RANDOM, Zeros()], ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shape_and_dtype_are_the_ones_asked_for(initializer, dtype):
    weights = draw(initializer, dtype=dtype)
    assert weights.shape == SHAPE
    assert weights.dtype == dtype


@pytest.mark.parametrize("initializer", RANDOM, ids=repr)
def test_the_same_seed_draws_the_same_weights_and_another_seed_others(initializer):
    np.testing.assert_array_equal(draw(initializer), draw(initializer))
    assert not np.array_equal(draw(initializer), draw(initializer, seed=1))


def test_zeros_are_zero_and_ask_for_no_generator():
    assert not Zeros()((2, 3), None, np.float32).any()


@pytest.mark.parametrize(
    ("initializer", "received"),
    [
        (lambda shape, rng, dtype: np.ones(shape), "shape (4, 2) and dtype float64"),
        (lambda shape, rng, dtype: np.ones(3, dtype), "shape (3,) and dtype float32"),
        (lambda shape, rng, dtype: None, "shape () and dtype None"),
    ],
)
def test_what_an_initializer_returns_must_fit(initializer, received):
    message = r"Dense: the initializer must return an array of shape \(4, 2\) and dtype float32. Received "
    with pytest.raises(ValueError, match=message + re.escape(received)):
        Dense(2, kernel_initializer=initializer).build((4,), np.random.default_rng(0))
