"""Arrays as text: every bit, or levels; letters that the browser reads."""

import json

import numpy as np
import pytest

from cnnbook.results.packing import are_letters, pack, pack_letters, unpack, unpack_letters


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float16", "float32", "float64", ">f4"])
def test_a_packed_array_comes_back_bit_by_bit(dtype):
    array = (50 * np.random.default_rng(0).random((3, 4, 2))).astype(dtype)
    packed = json.loads(json.dumps(pack(array)))
    again = unpack(packed)
    np.testing.assert_array_equal(again, array)
    assert again.dtype == np.dtype(dtype).newbyteorder("=")
    again[0] = 0  # an array of its own


def test_an_array_packed_in_levels_comes_back_to_half_a_level_and_takes_a_byte_a_number():
    array = np.random.default_rng(0).normal(size=(30, 40)).astype(np.float32)
    packed = pack(array, levels=256)
    again = unpack(packed)
    assert np.abs(again - array).max() <= 0.501 * np.ptp(array) / 255
    assert again.min() == array.min()
    assert packed["dtype"] == "uint8"


def test_an_array_of_equal_numbers_can_be_packed_in_levels():
    np.testing.assert_array_equal(unpack(pack(np.full(3, 0.25), levels=16)), [0.25] * 3)


@pytest.mark.parametrize(
    ("array", "settings", "message"),
    [
        (
            np.array(["a"]),
            {},
            "pack: array must hold numbers, at least one. Received array of dtype <U1 and shape (1,).",
        ),
        (
            np.empty((0, 2)),
            {},
            "pack: array must hold numbers, at least one. Received array of dtype float64 and shape (0, 2).",
        ),
        (np.ones(2), {"levels": 257}, "pack: levels must be from 2 to 256. Received levels=257."),
        (np.ones(2), {"levels": 1}, "pack: levels must be from 2 to 256. Received levels=1."),
        (
            np.array([1, np.nan]),
            {"levels": 16},
            "pack: array must be finite to be kept in levels. It holds infinity or nan.",
        ),
    ],
)
def test_what_cannot_be_packed_is_refused(refuses, array, settings, message):
    with refuses(message):
        pack(array, **settings)


@pytest.mark.parametrize("damage", [{"data": "%%%"}, {"data": "AAAA"}, {"shape": [7]}, {"dtype": "none"}])
def test_a_damaged_packed_array_is_refused(refuses, damage):
    with refuses("unpack: packed must be what `pack` returns. Record it again."):
        unpack(pack(np.ones(4)) | damage)


@pytest.mark.parametrize("levels", [16, 63])
def test_unpacking_letters_gives_every_number_to_half_a_level(levels):
    rng = np.random.default_rng(0)
    for low in (-1, 0):
        values = rng.uniform(low, 1, (3, 5, 4))
        packed = pack_letters(values, levels)
        half = (packed["high"] - packed["low"]) / (packed["levels"] - 1) / 2
        assert (
            np.abs(unpack_letters(packed) - values).max() <= half * 1.02
        )  # the scale itself has three digits
    assert unpack_letters(pack_letters(np.array([-3.0, 0.0, 1.0]), levels))[1] == 0


def test_letters_are_one_a_number_and_what_is_not_finite_becomes_zero():
    packed = pack_letters(np.array([[np.nan, 1.0], [np.inf, 0.5]]), 16)
    assert (packed["shape"], len(packed["data"])) == ([2, 2], 4)
    np.testing.assert_allclose(unpack_letters(packed), [[0, 1], [0, 0.5]], atol=1 / 30)


@pytest.mark.parametrize(
    "damage",
    [
        {"data": "!!!!!!"},
        {"data": "A"},
        {"shape": [6]},
        {"shape": "23"},
        {"levels": 64},
        {"levels": True},
        {"low": 1.0, "high": 1.0},
        {"high": float("nan")},
    ],
)
def test_letters_that_cannot_be_unpacked_are_seen(damage):
    packed = pack_letters(np.arange(6).reshape(2, 3), 16)
    assert are_letters(packed, 2)
    assert not are_letters(packed, 3)
    assert not are_letters(packed | damage, 2)
    assert not are_letters("letters", 2)
