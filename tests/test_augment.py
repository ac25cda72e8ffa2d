"""Augmentation: what a shift, a flip and an erased square are, and that nothing else changes."""

import numpy as np
import pytest

from cnnbook.data import Augmentation
from cnnbook.nn import SGD, Dense, Flatten, Sequential, SoftmaxCrossEntropy, fit


def images(n=200, size=(5, 4), channels=2):
    return np.arange(1, 1 + n * size[0] * size[1] * channels, dtype=np.float32).reshape(n, *size, channels)


def moved(image, down, right):
    out = np.zeros_like(image)
    height, width = image.shape[:2]
    rows, columns = (
        range(max(0, down), min(height, height + down)),
        range(max(0, right), min(width, width + right)),
    )
    for i in rows:
        for j in columns:
            out[i, j] = image[i - down, j - right]
    return out


def test_every_image_is_shifted_by_its_own_whole_pixels_and_zeros_move_in():
    x = images()
    shifted = Augmentation(shift=1)(x, np.random.default_rng(0))
    found = set()
    for before, after in zip(x, shifted, strict=True):
        shifts = [
            (d, r) for d in (-1, 0, 1) for r in (-1, 0, 1) if np.array_equal(moved(before, d, r), after)
        ]
        assert len(shifts) == 1
        found |= set(shifts)
    assert len(found) == 9


def test_about_half_of_the_images_are_mirrored_left_to_right_and_the_others_stay():
    x = images()
    flipped = Augmentation(flip=True)(x, np.random.default_rng(0))
    mirrored = [np.array_equal(after, before[:, ::-1]) for before, after in zip(x, flipped, strict=True)]
    same = [np.array_equal(after, before) for before, after in zip(x, flipped, strict=True)]
    assert all(m != s for m, s in zip(mirrored, same, strict=True))
    assert 70 < sum(mirrored) < 130


def test_one_square_of_every_image_is_zero_and_all_places_occur():
    erased = Augmentation(erase=2)(images(), np.random.default_rng(0))
    corners = set()
    for image in erased:
        rows, columns = np.nonzero((image == 0).all(axis=2))
        assert len(rows) == 4
        assert np.ptp(rows) == np.ptp(columns) == 1
        corners.add((int(rows.min()), int(columns.min())))
    assert corners == {(i, j) for i in range(4) for j in range(3)}


def test_the_seed_decides_and_the_images_given_stay_as_they_are():
    x = images(20)
    kept, change = x.copy(), Augmentation(shift=2, flip=True, erase=2)
    one, same, other = (change(x, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(x, kept)
    assert (one.shape, one.dtype) == (x.shape, x.dtype)
    np.testing.assert_array_equal(Augmentation()(x, np.random.default_rng(0)), x)


def test_fit_augments_training_batches_in_the_same_order_as_without():
    x, y = images(12, channels=1) / 240, np.arange(12) % 2
    seen = {"plain": [], "augmented": []}

    def watch(name):
        def augment(batch, rng):
            seen[name].append(batch)
            return batch if name == "plain" else Augmentation(shift=1)(batch, rng)

        return augment

    losses = {}
    for name in seen:
        model = Sequential([Flatten(), Dense(2)])
        model.build(x.shape[1:], seed=0)
        settings = {"epochs": 2, "batch_size": 5, "seed": 3, "augment": watch(name)}
        losses[name] = fit(model, SoftmaxCrossEntropy(), SGD(0.1), x, y, **settings).steps["loss"]
    for one, other in zip(*seen.values(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert losses["plain"] != losses["augmented"]


@pytest.mark.parametrize("argument", [{"shift": -1}, {"shift": 1.5}, {"erase": True}, {"erase": "2"}])
def test_pixels_are_whole_and_not_negative(argument):
    with pytest.raises(ValueError, match="must be a whole number of pixels, at least 0"):
        Augmentation(**argument)


@pytest.mark.parametrize(("change", "shape"), [({"erase": 6}, (2, 5, 8, 1)), ({"flip": True}, (5, 8))])
def test_what_is_no_batch_of_images_that_is_large_enough_is_refused(change, shape):
    with pytest.raises(ValueError, match=r"works on a batch of images of shape \(N, H, W, C\)"):
        Augmentation(**change)(np.zeros(shape), np.random.default_rng(0))


def test_fit_refuses_an_augmentation_that_is_none():
    model = Sequential([Dense(2)])
    model.build((1,))
    with pytest.raises(ValueError, match="augment must be a function of a batch and a generator"):
        fit(model, SoftmaxCrossEntropy(), SGD(), np.ones((2, 1), np.float32), np.array([0, 1]), epochs=1,
            batch_size=1, augment="flip")  # fmt: skip
