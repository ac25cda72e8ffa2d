"""What the page "Notation" claims, one test each; the arrays are those of the page's own cells."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook.shapes import pad_amounts


@pytest.fixture(scope="module")
def page():
    return run_of("notation")


def test_transpose_leaves_every_pixel_in_its_channel(page):
    stacked = page["stacked"]
    assert all((stacked.transpose(2, 0, 1)[c] == stacked[:, :, c]).all() for c in range(3))


def test_reshape_puts_pixels_into_the_wrong_channel(page):
    assert (page["misread"][0] != page["stacked"][:, :, 0]).any()


def test_same_puts_the_odd_zero_last_where_symmetric_padding_has_one_on_each_side():
    assert pad_amounts(28, 3, 2, padding="same") == (0, 1)


def test_a_layer_that_receives_the_wrong_order_says_what_to_do(page):
    assert "x.transpose(0, 2, 3, 1)" in page.printed[-1]


@pytest.mark.keras
def test_the_moving_variance_divides_by_the_number_of_values_and_old_fused_batch_norm_by_one_less():
    from cnnbook.keras_twin import keras, tf

    x = np.random.default_rng(0).standard_normal((2, 3, 3, 1)).astype(np.float32)
    theirs = keras.layers.BatchNormalization(momentum=0.0)
    theirs(x, training=True)
    _, _, old = tf.compat.v1.nn.fused_batch_norm(x, scale=[1.0], offset=[0.0])
    assert theirs.moving_variance.numpy() == pytest.approx(x.var(), rel=1e-5)
    assert old.numpy() == pytest.approx(x.var(ddof=1), rel=1e-5)


@pytest.mark.keras
def test_max_pooling_gives_a_tie_to_the_first_maximum_and_global_maxima_share_it_equally():
    from cnnbook.keras_twin import keras, tf

    def gradient(maximum):
        tie = tf.ones((1, 2, 2, 1))
        with tf.GradientTape() as tape:
            tape.watch(tie)
            out = maximum(tie)
        return tape.gradient(out, tie).numpy().ravel().tolist()

    assert gradient(keras.layers.MaxPooling2D(2)) == [1, 0, 0, 0]
    assert gradient(keras.layers.GlobalMaxPooling2D()) == gradient(tf.reduce_max) == [1 / 4] * 4
