"""Dropout: how much is dropped, what is scaled, and whose random numbers."""

import numpy as np
import pytest

from cnnbook.nn import Dropout


def built(rate, input_shape=(50, 40), seed=0, dtype=np.float64):
    dropout = Dropout(rate)
    dropout.build(input_shape, np.random.default_rng(seed), dtype)
    return dropout


def test_training_drops_the_rate_and_scales_up_the_rest():
    out = built(0.2).forward(np.full((3, 50, 40), 4.0), training=True)
    np.testing.assert_allclose(np.unique(out), [0, 5])
    # Six standard errors of 6000 coins.
    assert (out == 0).mean() == pytest.approx(0.2, abs=6 * (0.2 * 0.8 / out.size) ** 0.5)
    assert out.mean() == pytest.approx(4, rel=0.05)


def test_backward_uses_the_mask_of_its_own_forward():
    dropout, x = built(0.5), np.ones((2, 50, 40))
    out = dropout.forward(x, training=True)
    np.testing.assert_array_equal(dropout.backward(x), out)


def test_every_step_draws_a_new_mask_for_every_example():
    dropout, x = built(0.5), np.ones((2, 50, 40))
    first, second = dropout.forward(x, training=True), dropout.forward(x, training=True)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])


def test_inference_hands_x_through_and_uses_up_no_random_numbers():
    x = np.random.default_rng(1).standard_normal((2, 50, 40))
    one, other = built(0.5), built(0.5)
    np.testing.assert_array_equal(one.forward(x), x)
    np.testing.assert_array_equal(one.forward(x, training=True), other.forward(x, training=True))


def test_the_generator_is_the_layers_own():
    """Drawing from the generator given to build changes no mask afterwards."""
    x, masks = np.ones((2, 50, 40)), []
    for draws in (0, 5):
        rng, dropout = np.random.default_rng(0), Dropout(0.5)
        dropout.build((50, 40), rng, np.float64)
        rng.random(draws)
        masks.append(dropout.forward(x, training=True))
    np.testing.assert_array_equal(*masks)


def test_another_seed_gives_another_mask():
    x = np.ones((2, 50, 40))
    one, other = built(0.5, seed=0), built(0.5, seed=1)
    assert not np.array_equal(one.forward(x, training=True), other.forward(x, training=True))


def test_rate_zero_keeps_everything():
    x = np.random.default_rng(1).standard_normal((2, 50, 40))
    np.testing.assert_array_equal(built(0).forward(x, training=True), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    dropout = built(0.3, dtype=dtype)
    out = dropout.forward(np.ones((2, 50, 40), dtype), training=True)
    assert out.dtype == dropout.backward(out).dtype == dtype


@pytest.mark.parametrize("rate", [-0.1, 1, 1.0, 50, "0.5", None, True])
def test_a_rate_outside_zero_and_one_is_refused(refuses, rate):
    with refuses(f"Dropout: rate must be a number in [0, 1). Received rate={rate!r}."):
        Dropout(rate)


def test_build_asks_for_a_generator_and_forward_for_build(refuses):
    with refuses(
        "Dropout.build needs a generator to draw from. Received rng=None. "
        "Use rng=np.random.default_rng(seed)."
    ):
        Dropout(0.5).build((3,))
    with refuses("Dropout is not built yet. Call build(input_shape, rng) once before forward.", RuntimeError):
        Dropout(0.5).forward(np.ones((1, 3)), training=True)
