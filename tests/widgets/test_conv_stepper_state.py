"""ConvStepper's traits: what they accept, what they refuse, what the fallback says."""

import re

import numpy as np
import pytest

from cnnbook.widgets import ConvStepper

REFUSED = {
    "a stride of nought": (
        {"stride": 0},
        "ConvStepper: stride must be an integer from 1 to 4. Received stride=0. Choose one in that range.",
    ),
    "a bool as stride": (
        {"stride": True},
        "ConvStepper: stride must be an integer from 1 to 4. Received stride=True. Choose one in that range.",
    ),
    "an unknown padding": (
        {"padding": "full"},
        "ConvStepper: padding must be 'valid', 'same' or an integer from 0 to 4. Received padding='full'. "
        "Choose one in that range.",
    ),
    "an unknown view": (
        {"view": "sideways"},
        "ConvStepper: view must be one of 'forward', 'im2col', 'channels', 'backward'. "
        "Received view='sideways'. Choose one of them.",
    ),
    "a window that does not fit": (
        {"dilation": 3},
        "ConvStepper: a window of 7 pixels does not fit on 5 pixels with padding='valid'. "
        "Use padding='same' or a smaller kernel_size.",
    ),
    "a step behind the last": (
        {"step": 9},
        "ConvStepper: step must be below 9, the number of results. Received step=9. "
        "Count from 0, row by row.",
    ),
    "a whole photograph": (
        {"image": np.zeros((28, 28))},
        "ConvStepper: image must be numbers of shape (H, W) or (H, W, C), each axis 1 to 12 long. "
        "Received image of shape (28, 28). Cut a small patch out of a larger array.",
    ),
    "a flat kernel": (
        {"kernel": [1, 0, 1]},
        "ConvStepper: kernel must be numbers of shape (K_h, K_w) or (K_h, K_w, C, F), each axis 1 to 12 "
        "long. Received kernel of shape (3,). Cut a small patch out of a larger array.",
    ),
    "a number that is none": (
        {"image": [[np.nan, 1], [1, 1]], "kernel": [[1]]},
        "ConvStepper: image must hold numbers from -1000000 to 1000000. Received image with nan. "
        "Rescale it first.",
    ),
    "predict as a word": (
        {"predict": "yes"},
        "ConvStepper: predict must be True or False. Received predict='yes'. Pass a bool.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_cannot_be_drawn_is_refused_in_one_sentence(case):
    values, sentence = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        ConvStepper(id="a", **values)


def test_an_assignment_is_checked_like_an_argument():
    figure = ConvStepper(id="a")
    with pytest.raises(ValueError, match=r"^ConvStepper: a window of 7 pixels does not fit"):
        figure.dilation = 3
    assert figure.dilation == 1


def test_arrays_become_plain_numbers_that_json_can_hold():
    figure = ConvStepper(id="a", image=np.eye(4, dtype=np.float32) * -0.0, kernel=np.array([[0.5]]))
    assert figure.image == [[0] * 4] * 4
    assert str(figure.image[0][0]) == "0"
    assert figure.kernel == [[0.5]]


def test_two_figures_do_not_share_their_hand_example():
    first, second = ConvStepper(id="a"), ConvStepper(id="b")
    first.image[0][0] = 7
    assert second.image[0][0] == 1


def test_a_smaller_output_brings_the_step_back_into_range():
    figure = ConvStepper(id="a", step=8)
    figure.stride = 2
    assert figure.step == 3
    figure.view = "backward"
    figure.step = 24
    figure.target = "weight"
    assert figure.step == 8


def test_the_hand_example_comes_out_as_in_the_chapter():
    assert ConvStepper(id="a").output().tolist() == [[4, 3, 4], [2, 4, 3], [2, 3, 4]]


def test_channels_are_summed_and_the_bias_added():
    image = np.arange(32).reshape(4, 4, 2)
    kernel = np.arange(24).reshape(2, 3, 2, 2) - 10
    figure = ConvStepper(id="a", view="channels", image=image, kernel=kernel, bias=[5, -7], filter=1)
    expected = [
        [sum((image[i : i + 2, j : j + 3, c] * kernel[..., c, 1]).sum() for c in (0, 1)) - 7 for j in (0, 1)]
        for i in (0, 1, 2)
    ]
    assert figure.output().tolist() == expected


@pytest.mark.parametrize("step", range(9))
def test_the_sentence_adds_up_to_the_output(step):
    figure = ConvStepper(id="a", kernel=[[-1, 0, 1], [-2, 0.5, 2], [-1, 0, 1]], step=step)
    _, *sides = figure.sentence().replace("\u2212", "-").replace("·", "*").split(" = ")
    assert [eval(side) for side in sides] == [figure.output().ravel()[step]] * 3


def test_the_picture_says_its_sum_and_shows_every_number():
    html = ConvStepper(id="a", padding="same").picture()
    assert (
        html.count(f"{ConvStepper(id='a', padding='same').sentence()}.") == 2
    )  # read aloud, and printed below
    assert html.count("<text") == 3 + 49 + 9 + 25
    assert 'role="img"' in html
