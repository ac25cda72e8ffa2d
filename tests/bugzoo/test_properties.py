"""The checks' sentences: what must hold, and the numbers that differ."""

import numpy as np
import pytest

from cnnbook import bugzoo
from cnnbook.bugzoo import normalization, properties
from cnnbook.nn import BatchNormalization, Conv2D, Dropout, MaxPooling2D, RandomNormal

SENTENCES = [
    (
        lambda: properties.check_gradient_is_conserved(bugzoo.EveryTieWins(2)),
        "EveryTieWins(strides=(2, 2)): the gradient handed back must add "
        "up to the gradient received, 24. On a constant image it adds up to 96: "
        "tied pixels get it more than once.",
    ),
    (
        lambda: properties.check_padding_never_wins(bugzoo.ZeroPaddingWins(2, padding="same")),
        "ZeroPaddingWins(strides=(2, 2), padding='same'): pooling an image of -1 must "
        "give -1 everywhere. It gives 0 somewhere: the padding has won.",
    ),
    (
        lambda: properties.check_bias_per_output(bugzoo.ScalarBias(4), (5,)),
        "ScalarBias(units=4): 4 outputs need 4 biases. On zeros they give only 1 different answers.",
    ),
    (
        lambda: properties.check_frozen_stays_frozen(bugzoo.FrozenButDrifting(), (4,)),
        "FrozenButDrifting(): a frozen layer must keep "
        "its state. A training pass changed moving_mean, moving_variance.",
    ),
    (
        lambda: properties.check_expectation(bugzoo.DropoutNotScaled(0.75)),
        "DropoutNotScaled(rate=0.75): the mean output must be the same in training and at inference. "
        "It is 0.249 and 1.",
    ),
    (
        lambda: properties.check_filters_differ(bugzoo.OneFilterForAll()),
        "OneFilterForAll() for (3, 3, 1, 8): 8 filters must span 8 dimensions. They span 1.",
    ),
    (
        lambda: properties.check_large_logits(bugzoo.NoMaxShift()),
        "NoMaxShift(): a logit 1000 above the true class costs 1000 nats. "
        "The loss is inf and its gradient [[nan, -1.0, 0.0]].",
    ),
    (
        lambda: properties.check_output_size(bugzoo.output_size_as_printed),
        "the output size must be the number of windows that fit. "
        "412 of 501 sizes are wrong; size 1, kernel 1, stride 1, pad 1: 2, not 3.",
    ),
    (
        lambda: properties.check_macro_f1(bugzoo.macro_f1_of_the_predicted),
        "macro F1 over three classes with F1 .8, .8 and 0 must be 0.533. Received 0.800: "
        "the class that is never predicted is left out.",
    ),
]


@pytest.mark.parametrize(("check", "sentence"), SENTENCES, ids=[s.split(":")[0][:25] for _, s in SENTENCES])
def test_a_broken_property_is_named_with_its_numbers(refuses, check, sentence):
    with refuses(sentence, properties.CheckError):
        check()


@pytest.mark.parametrize(
    ("check", "start"),
    [
        (lambda: properties.check_shift_equivariance(bugzoo.BiasPerPixel(3, 3)), "BiasPerPixel"),
        (
            lambda: properties.check_inference_is_independent(bugzoo.BatchStatisticsAtInference(), (4,)),
            "BatchStatisticsAtInference",
        ),
        (lambda: normalization.check_groups_are_channels(bugzoo.GroupsOfRows(2)), "GroupsOfRows"),
        (lambda: properties.check_spread(RandomNormal(1.0)), "RandomNormal"),
        (lambda: properties.check_spread(bugzoo.NormalOverWindowArea()), "NormalOverWindowArea"),
    ],
)
def test_a_broken_property_is_refused(check, start):
    with pytest.raises(properties.CheckError, match=f"^{start}"):
        check()


def test_checks_leave_their_subject_alone():
    layer = BatchNormalization()
    layer.build((4,), dtype=np.float32)
    for check in (properties.check_frozen_stays_frozen, properties.check_inference_is_independent):
        check(layer, (4,))
    assert layer.trainable
    assert layer.params["gamma"].tolist() == [1, 1, 1, 1]


def test_shift_equivariance_holds_for_every_stride_one_window():
    for layer in (Conv2D(3, (2, 4), dilation_rate=(1, 2)), MaxPooling2D(2, strides=1)):
        properties.check_shift_equivariance(layer)
    with pytest.raises(properties.CheckError):
        properties.check_shift_equivariance(MaxPooling2D((1, 2)))


def test_the_expectation_of_dropout_does_not_depend_on_its_rate():
    for rate in (0.1, 0.5, 0.9):
        properties.check_expectation(Dropout(rate))
