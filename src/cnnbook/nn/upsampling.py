"""A larger image by repeating pixels."""

from dataclasses import dataclass

from cnnbook.nn.arguments import Shape, check_image, check_pair
from cnnbook.nn.layer import Layer


@dataclass(eq=False)
class UpSampling2D(Layer):
    """Repeat every pixel in a block: the nearest pixel of the small image fills each pixel of the large one.

    out[n, i, j, c] = x[n, i // size_h, j // size_w, c]

    Parameters
    ----------
    size : how often each pixel is repeated, an int or (down, right).
    interpolation : "nearest". Keras' others are refused.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H size_h, W size_w, C).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the input is no image (build).

    Examples
    --------
    >>> import numpy as np
    >>> up = UpSampling2D((1, 2))
    >>> up.forward(np.array([[[[1.0], [5.0]]]]), training=True).ravel()
    array([1., 1., 5., 5.])
    >>> up.backward(np.array([1.0, 2, 10, 20]).reshape(1, 1, 4, 1)).ravel()      # a pixel used twice: the sum
    array([ 3., 30.])

    Source: Odena, Dumoulin and Olah (2016) for its use before a convolution; keras.layers.UpSampling2D.
    """

    size: int | tuple[int, int] = 2
    interpolation: str = "nearest"

    def __post_init__(self):
        self.size = check_pair(self.name, "size", self.size)
        if self.interpolation != "nearest":
            raise ValueError(
                f"{self.name}: interpolation must be 'nearest'; Keras' others are not implemented here. "
                f"Received interpolation={self.interpolation!r}."
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        height, width, channels = check_image(self.name, input_shape)
        return height * self.size[0], width * self.size[1], channels

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        out = x.repeat(self.size[0], axis=1).repeat(self.size[1], axis=2)
        self.remember(training, out.shape, x.shape)
        return out

    def backward(self, dout):
        """dx is the sum of `dout` over every block: each pixel was used that often."""
        ((n, height, width, channels),) = self.recall(dout)
        blocks = dout.reshape(n, height, self.size[0], width, self.size[1], channels)
        return blocks.sum(axis=(2, 4))
