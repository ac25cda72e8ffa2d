"""The two frames that Keras has no layer for, as Keras layers: the twins of `cnnbook.nn`'s.

Importing this module imports Keras.
"""

import numpy as np

from cnnbook.keras_twin import keras
from cnnbook.nn.padding import check_frame

ops = keras.ops
registered = keras.saving.register_keras_serializable(package="cnnbook")


class CopiedFrame(keras.layers.Layer):
    """A frame of copied pixels: rows and columns are taken by their index. `mode` is `numpy.pad`'s."""

    mode = ""

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = check_frame(type(self).__name__, padding)

    def call(self, x):
        for axis, pad in enumerate(self.padding, start=1):
            x = ops.take(x, np.pad(np.arange(x.shape[axis]), pad, mode=self.mode), axis=axis)
        return x

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@registered
class ReflectionPadding2D(CopiedFrame):
    """Continue every image by its mirror image, as `cnnbook.nn.ReflectionPadding2D`.

    >>> ReflectionPadding2D(((0, 0), (2, 1)))(np.float32([1, 2, 3]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([3., 2., 1., 2., 3., 2.], dtype=float32)
    """

    mode = "reflect"


@registered
class ReplicationPadding2D(CopiedFrame):
    """Continue every image by its outermost pixels, as `cnnbook.nn.ReplicationPadding2D`.

    >>> ReplicationPadding2D(((0, 0), (2, 1)))(np.float32([1, 2, 3]).reshape(1, 1, 3, 1)).numpy().ravel()
    array([1., 1., 1., 2., 3., 3.], dtype=float32)
    """

    mode = "edge"
