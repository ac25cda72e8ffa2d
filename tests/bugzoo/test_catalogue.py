"""The Bug Zoo: every animal is caught by its check, its healthy relative passes, and the hints are right."""

import numpy as np
import pytest

from cnnbook import bugzoo
from cnnbook.bugzoo.catalogue import ZOO, missed_by, on_images, on_vectors, passes
from cnnbook.nn import (
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPooling2D,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    evaluate,
    fit,
)

BY_NAME = {bug.name: bug for bug in ZOO}
GRADIENT_BUGS = [bug for bug in ZOO if bug.check in (on_images, on_vectors)]


@pytest.mark.parametrize("bug", ZOO, ids=lambda bug: bug.name)
def test_the_check_catches_the_animal(bug):
    with pytest.raises(AssertionError, match=bug.hint or None):
        bug.check(bug.wrong)


@pytest.mark.parametrize("bug", ZOO, ids=lambda bug: bug.name)
def test_the_check_accepts_the_healthy_relative(bug):
    bug.check(bug.right)


def test_the_hint_is_right_for_at_least_twelve():
    assert sum(bool(bug.hint) for bug in ZOO) >= 12


def test_names_are_unique():
    assert len(BY_NAME) == len(ZOO)


@pytest.fixture(scope="module", name="missed")
def _missed():
    """Which animals each careless version of the check lets pass."""
    verdicts = {bug.name: missed_by(bug) for bug in GRADIENT_BUGS}
    ways = verdicts["UnrotatedKernel"]
    return {how: {name for name, verdict in verdicts.items() if verdict[how]} for how in ways}


def test_an_all_ones_upstream_gradient_misses_what_only_permutes(missed):
    assert missed["all-ones upstream"] == {"PatchRowsMixedUp", "FlattenByColumns"}


def test_a_batch_of_one_misses_mixed_up_examples(missed):
    assert missed["batch of 1"] == {"PatchRowsMixedUp"}


def test_square_images_and_odd_kernels_miss_geometry(missed):
    assert missed["square and odd"] == {"EvenKernelOffByOne", "HeightUsedForWidth"}


def test_passes_tells_only_failed_checks_from_passed_ones():
    def crash(_):
        raise TypeError("not a verdict")

    with pytest.raises(TypeError):
        passes(crash, None)


@pytest.mark.parametrize("first", [Conv2D, bugzoo.UnrotatedKernel], ids=lambda cls: cls.__name__)
def test_a_training_curve_misses_an_unrotated_kernel(first):
    """Two conv layers, the upper one with a wrong input gradient, still learn 20 examples by heart."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 8, 8, 1)).astype(np.float32), np.arange(20) % 4
    model = Sequential([Conv2D(4, 3), ReLU(), first(4, 3), ReLU(), MaxPooling2D(2), Flatten(), Dense(4)])
    model.build((8, 8, 1), seed=0)
    fit(model, SoftmaxCrossEntropy(), SGD(0.1), x, y, epochs=80, batch_size=5)
    assert evaluate(model, SoftmaxCrossEntropy(), x, y)["accuracy"] == 1


def test_one_bias_per_pixel_costs_the_source_its_thousands_of_parameters():
    def parameters(conv):
        model = Sequential([conv(6, 5, padding="same"), conv(6, 5, padding="same"), MaxPooling2D(2)])
        model.layers += [Flatten(), Dense(10)]
        model.build((28, 28, 1), seed=0)
        return sum(param.size for _, param, _ in model.parameters())

    assert parameters(Conv2D) == 12_832
    assert parameters(bugzoo.BiasPerPixel) == 22_228


def test_the_two_sided_loss_saturates_where_the_source_printed_it():
    """With the 1e-9 clip a sure and wrong answer costs 2 ln(1e9) = 41.45, times the error rate."""
    logits = np.eye(10)[np.arange(10)] * 1000
    labels = np.array([0, 1, 2, 3, 4, 5, 6, 7, 9, 8])  # two of ten wrong
    assert bugzoo.TwoSidedLoss().forward(logits, labels) == pytest.approx(41.45 * 0.2, abs=0.01)
