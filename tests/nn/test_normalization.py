"""Layer and group normalisation: which numbers share a mean, the gradient the long way, what is refused."""

import numpy as np
import pytest

from cnnbook.nn import BatchNormalization, GroupNormalization, LayerNormalization, Sequential

IMAGE = (4, 5, 6)
EPSILON = 0.3


def one_by_one(norm, x):
    """The formula with loops: cut every example into the sets that share a mean, and normalise each."""
    channels, out = x.shape[-1], np.empty_like(x)
    for n in range(len(x)):
        pixels = x[n].reshape(-1, channels)  # a view: one row per place
        if isinstance(norm, LayerNormalization):
            sets = [(place, slice(None)) for place in range(len(pixels))]
        else:
            size = channels // (channels if norm.groups == -1 else norm.groups)
            sets = [(slice(None), slice(c, c + size)) for c in range(0, channels, size)]
        for chosen in sets:
            shared = pixels[chosen]
            out[n].reshape(-1, channels)[chosen] = (shared - shared.mean()) / np.sqrt(shared.var() + EPSILON)
    return norm.params.get("gamma", 1) * out + norm.params.get("beta", 0)


NORMS = [
    LayerNormalization(EPSILON),
    LayerNormalization(EPSILON, center=False),
    GroupNormalization(1, EPSILON),
    GroupNormalization(2, EPSILON, scale=False),
    GroupNormalization(3, EPSILON),
    GroupNormalization(-1, EPSILON),
    GroupNormalization(6, EPSILON, center=False, scale=False),
]
every_norm = pytest.mark.parametrize("norm", NORMS, ids=repr)


def built(norm, input_shape=IMAGE, seed=0):
    """A layer whose parameters are neither 0 nor 1."""
    rng = np.random.default_rng(seed)
    norm.build(input_shape, rng, np.float64)
    for name, array in norm.params.items():
        norm.params[name] = rng.uniform(0.5, 2, array.shape)
    return norm


def batch(input_shape=IMAGE, n=3, seed=1):
    return np.random.default_rng(seed).normal(3, 2, (n, *input_shape))


@pytest.mark.parametrize("norm", [LayerNormalization(), GroupNormalization(3)], ids=repr)
def test_a_fresh_layer_has_keras_names_and_defaults_and_no_state(norm):
    norm.build(IMAGE)
    told = {name: array.tolist() for name, array in norm.params.items()}
    assert told == {"gamma": [1] * 6, "beta": [0] * 6}
    assert norm.state == {}
    assert (norm.epsilon, norm.center, norm.scale) == (1e-3, True, True)
    assert GroupNormalization().groups == 32


@every_norm
@pytest.mark.parametrize("input_shape", [IMAGE, (6,)])
def test_forward_is_the_formula_set_by_set(norm, input_shape):
    norm, x = built(norm, input_shape), batch(input_shape)
    np.testing.assert_allclose(norm.forward(x), one_by_one(norm, x), atol=1e-12)


@every_norm
def test_training_and_inference_compute_the_same_and_nothing_is_remembered(norm):
    norm, x = built(norm), batch()
    np.testing.assert_array_equal(norm.forward(x, training=True), norm.forward(x))
    assert norm.state == {}


@every_norm
def test_center_and_scale_decide_what_is_learned(norm):
    norm = built(norm)
    assert list(norm.params) == ["gamma"] * norm.scale + ["beta"] * norm.center
    norm.backward(np.ones_like(norm.forward(batch(), training=True)))
    assert list(norm.grads) == list(norm.params)


@pytest.mark.parametrize("norm", [LayerNormalization(EPSILON), GroupNormalization(1, EPSILON)], ids=repr)
def test_backward_equals_the_chain_rule_step_by_step(norm):
    """On vectors both norms share all features of an example: x_hat, then variance, then mean."""
    norm, x, dout = built(norm, (6,)), batch((6,)), batch((6,), seed=2)
    norm.forward(x, training=True)
    centered = x - x.mean(axis=1, keepdims=True)
    deviation = np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)
    g = norm.params["gamma"] * dout
    dvariance = (g * centered).sum(axis=1, keepdims=True) * -0.5 / deviation**3
    dcentered = g / deviation + dvariance * 2 * centered / 6
    np.testing.assert_allclose(norm.backward(dout), dcentered - dcentered.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(norm.grads["gamma"], (dout * centered / deviation).sum(axis=0))
    np.testing.assert_allclose(norm.grads["beta"], dout.sum(axis=0))


def test_instance_norm_is_batch_norm_for_a_batch_of_one():
    x, dout = batch(n=1), batch(n=1, seed=2)
    instance, over_batch = built(GroupNormalization(-1)), built(BatchNormalization())
    outs = [norm.forward(x, training=True) for norm in (instance, over_batch)]
    np.testing.assert_allclose(*outs)
    np.testing.assert_allclose(*(norm.backward(dout) for norm in (instance, over_batch)))


def test_one_group_is_layer_norm_on_vectors_and_not_on_images():
    for input_shape, same in [((6,), True), (IMAGE, False)]:
        x = batch(input_shape)
        one, layer = built(GroupNormalization(1), input_shape), built(LayerNormalization(), input_shape)
        assert np.allclose(one.forward(x), layer.forward(x)) == same


def test_without_a_gradient_of_the_input_the_parameters_still_get_theirs():
    norm, dout = built(GroupNormalization(2)), batch(seed=2)
    norm.forward(batch(), training=True)
    assert norm.backward(dout, input_gradient=False) is None
    np.testing.assert_allclose(norm.grads["beta"], dout.sum(axis=(0, 1, 2)))


def test_a_constant_set_becomes_beta_and_passes_no_gradient_on():
    norm = built(LayerNormalization(), (4,))
    out = norm.forward(np.full((2, 4), 7.0), training=True)
    np.testing.assert_allclose(out, np.tile(norm.params["beta"], (2, 1)))
    one_channel = built(LayerNormalization(), (3, 2, 1))
    one_channel.forward(batch((3, 2, 1)), training=True)
    np.testing.assert_array_equal(one_channel.backward(batch((3, 2, 1), seed=2)), 0)


def test_a_summary_counts_two_numbers_per_channel(capsys):
    model = Sequential([GroupNormalization(2), LayerNormalization(center=False)])
    model.build(IMAGE)
    model.summary()
    printed = capsys.readouterr().out
    assert "0  GroupNormalization       (N, 4, 5, 6)                 12\n" in printed
    assert "1  LayerNormalization       (N, 4, 5, 6)                  6\n" in printed


@pytest.mark.parametrize("groups", [0, -2, 1.5, True, "4", None])
def test_a_number_of_groups_that_is_none_is_refused(refuses, groups):
    with refuses(
        "GroupNormalization: groups must be a whole number of at least 1, or -1 for one group per channel. "
        f"Received groups={groups!r}."
    ):
        GroupNormalization(groups)


@pytest.mark.parametrize("groups", [4, 32])
def test_groups_that_do_not_divide_the_channels_are_refused(refuses, groups):
    with refuses(
        "GroupNormalization: groups must divide the number of channels. "
        f"Received groups={groups} for 6 channels. "
        "Use another number of groups, or -1 for one group per channel."
    ):
        GroupNormalization(groups).build(IMAGE)


@pytest.mark.parametrize("kind", [LayerNormalization, GroupNormalization])
def test_an_impossible_epsilon_or_input_is_refused(refuses, kind):
    name = kind.__name__
    with refuses(f"{name}: epsilon must be a number in (0, inf). Received epsilon=0."):
        kind(epsilon=0)
    with refuses(
        f"{name} works on vectors of shape (features,) or images of shape (height, width, channels). "
        "Received input_shape=(28, 28)."
    ):
        kind().build((28, 28))
