"""What is timed: every case has takers, ours can run each, the loops compute what the library does."""

import loops
import numpy as np
import pytest
import side_ours
from cases import CASES, PARTS, chosen

from cnnbook import models, nn
from cnnbook.nn.windows import windowed_product

PLAIN = [case for case in CASES if "plain" in case.sides and not case.key.startswith("growth")]


def test_no_two_cases_share_a_name_and_every_participant_has_a_home():
    assert len({case.key for case in CASES}) == len(CASES)
    parts = [part for some in PARTS.values() for part in some]
    assert len(set(parts)) == len(parts)
    assert {part for case in CASES for part in case.sides} == set(parts)


def test_the_issues_networks_layers_and_growth_are_all_there():
    keys = {case.key for case in CASES}
    assert {
        "mlp",
        "fashion_cnn",
        "small_cnn",
        "one_image",
        "many_images",
        "conv_16_32",
        "conv_first",
        "conv_64_64",
    } <= keys
    growing = {key.split("/")[1] for key in keys if key.startswith("growth/")}
    assert growing == {"batch", "size", "channels", "kernel_size"}
    assert [case.steps for case in CASES if case.kind == "train"] == [25] * 4


def test_cases_are_chosen_by_the_beginning_of_their_names():
    assert {case.key for case in chosen(["conv_6", "mlp", "fashion"])} == {"conv_64_64", "mlp", "fashion_cnn"}
    assert chosen([]) == CASES
    assert chosen(["nonsense"]) == []


@pytest.mark.parametrize("case", PLAIN, ids=[case.key for case in PLAIN])
def test_the_plain_layers_can_run_every_case(case):
    side_ours.prepare("plain", case)()


@pytest.mark.parametrize("part", ["fused", "shards"])
def test_the_other_ways_take_a_training_step(part):
    (case,) = chosen(["mlp"])
    side_ours.prepare(part, case)()


def test_the_loops_take_the_same_step_as_the_library():
    rng = np.random.default_rng(0)
    net, model = loops.LoopNet(rng), models.small_cnn()
    model.build((28, 28, 1), dtype=np.float32)
    convs = [layer for layer in model.layers if isinstance(layer, nn.Conv2D)]
    pairs = [(convs[0], net.one), (convs[1], net.two)]
    for layer, loop in pairs:
        layer.params["kernel"][...] = loop.kernel
    model.layers[-1].params["kernel"][...] = net.dense
    x = (255 * rng.random((1, 28, 28, 1))).astype(np.float32)
    nn.training.train_step(model, nn.SoftmaxCrossEntropy(), nn.SGD(0.005), x, np.array([3]))
    net.step(x[0] / 255 - 0.5, 3)
    for layer, loop in pairs:
        np.testing.assert_allclose(loop.kernel, layer.params["kernel"], atol=1e-6)
        assert np.abs(layer.grads["kernel"]).max() > 1e-3
    np.testing.assert_allclose(net.dense, model.layers[-1].params["kernel"], atol=1e-6)


def test_the_seven_loops_are_a_convolution():
    rng = np.random.default_rng(0)
    x, kernel = rng.random((2, 6, 5, 3)), rng.random((3, 3, 3, 4))
    np.testing.assert_allclose(loops.seven_loops(x.tolist(), kernel.tolist()), windowed_product(x, kernel))


def test_multiply_adds_are_those_of_the_layers_that_learn():
    """MLP: forward and both gradients of three dense layers, without the first one's input gradient."""
    sizes = [784 * 256, 256 * 128, 128 * 10]
    assert side_ours.multiply_adds()["mlp"] == 3 * sum(sizes) - sizes[0]


def test_the_answers_to_questions_are_plausible():
    assert side_ours.peak()["gmacs"] > 0.1
    memory = side_ours.memory()
    assert memory["im2col_64_64"] == pytest.approx(32 * 32 * 32 * 9 * 64 * 4 / 1e6)
    assert 8 < memory["conv_64_64"] < 45


@pytest.mark.keras
@pytest.mark.parametrize(
    ("part", "key"), [("keras", "small_cnn"), ("tf", "small_cnn"), ("tf", "conv_first"), ("tf", "relu")]
)
def test_keras_and_tensorflow_run_the_same_cases(part, key):
    import side_tensorflow
    from worker import steps_timed

    (case,) = (case for case in CASES if case.key == key)
    cpu, wall = steps_timed(side_tensorflow.prepare(part, case), 2)
    assert cpu > 0
    assert wall > 0
