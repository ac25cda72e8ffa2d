"""What the glossary claims: its order, its pages, and the formulas in its sentences."""

import re

import numpy as np
import pytest
from support.project_files import ROOT

from cnnbook import nn, shapes

PAGE = (ROOT / "chapters" / "glossary.md").read_text("utf-8")
ENTRIES = dict(re.findall(r"^(\w[^\n]*)\n  ([^\n]+)$", PAGE.split(":::{glossary}")[1], flags=re.MULTILINE))
rng = np.random.default_rng(0)


def says(word, formula):
    """Does the entry hold this formula as it stands?"""
    return formula in ENTRIES[word]


def test_the_words_stand_in_alphabetical_order():
    assert len(ENTRIES) > 60
    assert list(ENTRIES) == sorted(ENTRIES, key=str.lower)


def forms(word):
    """The word as a page may write it: in the singular, with a space or, in code, with an underscore."""
    singular = re.sub(r"(e?s|ed)$", "", word.lower())
    return [word.lower(), singular, word.lower().replace("-", " "), word.lower().replace("-", "_")]


@pytest.mark.parametrize("word", ENTRIES)
def test_the_page_that_explains_a_word_uses_it(word):
    (page,) = re.findall(r"See \[[^]]+\]\((\w+\.md)\)\.$", ENTRIES[word])
    text = " ".join((ROOT / "chapters" / page).read_text("utf-8").lower().split())
    assert any(form in text for form in forms(word))


def test_every_word_that_an_entry_points_to_has_an_entry():
    named = set(re.findall(r"\{term\}`([^`]+)`", PAGE))
    assert {name.lower() for name in named} <= {word.lower() for word in ENTRIES}


def test_extent_is_from_the_first_tap_to_the_last():
    assert says("extent", "$d(K-1)+1$")
    for size, dilation in ((3, 1), (3, 2), (4, 3), (1, 5)):
        assert shapes.window_extent(size, dilation) == dilation * (size - 1) + 1


def test_same_gives_n_over_s_outputs_rounded_up():
    assert says("same", r"$\lceil n/s \rceil$")
    for n, k, s in np.ndindex(12, 5, 4):
        assert shapes.output_size(n + 1, k + 1, s + 1, padding="same") == -(-(n + 1) // (s + 1))


def test_same_puts_the_odd_zero_after():
    before, after = shapes.pad_amounts(7, 4, padding="same")
    assert after == before + 1


def test_batch_normalisation_gives_each_channel_mean_0_and_variance_1():
    norm = nn.BatchNormalization()
    norm.build((5, 6, 3), dtype=np.float64)
    out = norm.forward(7 + 3 * rng.standard_normal((8, 5, 6, 3)), training=True)
    np.testing.assert_allclose(out.mean(axis=(0, 1, 2)), 0, atol=1e-9)
    np.testing.assert_allclose(out.var(axis=(0, 1, 2)), 1, atol=1e-3)


def test_momentum_is_the_share_of_the_old_moving_statistics_that_is_kept():
    norm, x = nn.BatchNormalization(momentum=0.75), rng.standard_normal((8, 3)) + 5
    norm.build((3,), dtype=np.float64)
    norm.forward(x, training=True)
    np.testing.assert_allclose(norm.state["moving_mean"], 0.25 * x.mean(axis=0))


def test_a_dense_layer_is_x_times_kernel_plus_bias():
    dense, x = nn.Dense(4), rng.standard_normal((5, 3))
    dense.build((3,), rng, np.float64)
    dense.params["bias"] += [1, 2, 3, 4]
    assert says("dense layer", "`x @ kernel + bias`")
    np.testing.assert_allclose(dense.forward(x), x @ dense.params["kernel"] + dense.params["bias"])


def test_a_filter_makes_one_output_channel():
    conv, x = nn.Conv2D(4, 3), rng.standard_normal((2, 6, 5, 3))
    conv.build((6, 5, 3), rng, np.float64)
    before = conv.forward(x)
    conv.params["kernel"][..., 2] += 1
    changed = (conv.forward(x) != before).any(axis=(0, 1, 2))
    assert says("filter", "`kernel[..., f]`")
    assert changed.tolist() == [False, False, True, False]


def test_the_first_of_several_maxima_gets_the_gradient():
    pool = nn.MaxPooling2D(2)
    pool.build((2, 2, 1), dtype=np.float64)
    pool.forward(np.ones((1, 2, 2, 1)), training=True)
    assert pool.backward(np.ones((1, 1, 1, 1))).ravel().tolist() == [1, 0, 0, 0]


def test_softmax_is_its_formula_and_subtracts_the_largest_score():
    scores = rng.standard_normal((4, 5))
    assert says("softmax", r"$e^{z_k} / \sum_j e^{z_j}$")
    np.testing.assert_allclose(nn.softmax(scores), np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True))
    assert np.isfinite(nn.softmax(scores + 1e4)).all()


def test_cross_entropy_is_the_mean_of_minus_ln_of_the_true_classs_probability():
    scores, labels = rng.standard_normal((4, 5)), np.array([0, 3, 1, 1])
    of_true = nn.softmax(scores)[np.arange(4), labels]
    np.testing.assert_allclose(nn.SoftmaxCrossEntropy().forward(scores, labels), -np.log(of_true).mean())


def test_he_looks_at_the_inputs_and_glorot_at_the_outputs_as_well():
    def spreads(initializer):
        return [initializer((300, units), np.random.default_rng(0), np.float64).std() for units in (300, 900)]

    he, glorot = spreads(nn.HeNormal()), spreads(nn.GlorotNormal())
    np.testing.assert_allclose(he[0], he[1], rtol=0.02)
    np.testing.assert_allclose(glorot[0] / glorot[1], np.sqrt(2), rtol=0.02)
