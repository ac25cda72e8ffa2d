"""The convolution turned round: from a small map to a large one."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import (
    Shape,
    check_image,
    check_initializer,
    check_padding,
    check_pair,
    check_positive,
)
from cnnbook.nn.channels import channel_sums, pixel_rows
from cnnbook.nn.convolve import convolve, convolve_input_gradient, convolve_kernel_gradient
from cnnbook.nn.geometry import image_pads
from cnnbook.nn.initializers import GlorotUniform, draw
from cnnbook.nn.layer import Layer
from cnnbook.nn.windows import pad_images
from cnnbook.shapes import transposed_size

ONE_BY_ONE = (1, 1)


@dataclass(eq=False)
class Conv2DTranspose(Layer):
    """Lay the kernel down at every pixel, times the pixel, and add up where the copies overlap.

    out[n, i s_h + u - P_top, j s_w + v - P_left, f] += x[n, i, j, c] kernel[u, v, f, c]

    for all i, j, u, v and c, plus bias[f]. Its forward pass is what a Conv2D with this kernel does with its
    input gradient, and its backward pass is that Conv2D: the two matrices are each other's transpose.
    "Deconvolution" is another name, but it does not undo a convolution: it only turns the shapes round.

    Parameters
    ----------
    filters : number F of output channels.
    kernel_size, strides : pixels, an int or (height, width). A stride of 2 doubles height and width.
    padding : "valid" (the output holds all copies) or "same" (its size is input size times stride; what hangs
        over is cut off).
    use_bias : add one number per filter.
    kernel_initializer : how the kernel is drawn; see `cnnbook.nn.initializers`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', F) with H' = H s_h for "same" and H s_h + max(K_h - s_h, 0) for "valid";
    kernel (K_h, K_w, F, C), outputs before inputs; bias (F,).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the input is no image (build), if an input has
        another shape or dtype (forward).

    Examples
    --------
    >>> conv = Conv2DTranspose(filters=1, kernel_size=(1, 3), strides=(1, 2))
    >>> conv.build((1, 2, 1), np.random.default_rng(0))
    (1, 5, 1)
    >>> conv.params["kernel"][0, :, 0, 0] = [1, 2, 3]
    >>> conv.forward(np.array([1, 10], dtype=np.float32).reshape(1, 1, 2, 1)).ravel()  # 1 2 3, and 10 20 30
    array([ 1.,  2., 13., 20., 30.], dtype=float32)

    Source: Dumoulin and Visin (2016), chapter 4; keras.layers.Conv2DTranspose for the sizes.
    """

    filters: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    padding: str = "valid"
    use_bias: bool = True
    kernel_initializer: object = GlorotUniform()

    def __post_init__(self):
        self.filters = check_positive(self.name, "filters", self.filters)
        self.kernel_size = check_pair(self.name, "kernel_size", self.kernel_size)
        self.strides = check_pair(self.name, "strides", self.strides)
        self.padding = check_padding(self.name, self.padding)
        check_initializer(self.name, "kernel_initializer", self.kernel_initializer)

    def output_shape(self, input_shape: Shape) -> Shape:
        axes = zip(check_image(self.name, input_shape)[:2], self.kernel_size, self.strides, strict=True)
        return *(transposed_size(*axis, self.padding) for axis in axes), self.filters

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        shape = (*self.kernel_size, self.filters, self.input_shape[2])
        self.params["kernel"] = draw(self.name, self.kernel_initializer, shape, rng, dtype)
        if self.use_bias:
            self.params["bias"] = np.zeros(self.filters, dtype)
        return output_shape

    def forward(self, x, *, training=False):
        x, pads = self.check_input(x), self.pads()
        size = self.output_shape(self.input_shape)[:2]
        padded = tuple(n + sum(pad) for n, pad in zip(size, pads, strict=True))
        out = convolve_input_gradient(x, self.params["kernel"], padded, self.strides, ONE_BY_ONE, pads)
        if self.use_bias:
            out += self.params["bias"]
        self.remember(training, out.shape, x)
        return out

    def backward(self, dout, *, input_gradient=True):
        """The gradients of the kernel, the bias and the input: a convolution of `dout` with strides.

        dx[n, i, j, c]      = sum over u, v, f of dout[n, i s_h + u - P_top, j s_w + v - P_left, f]
                                                  kernel[u, v, f, c]
        dkernel[u, v, f, c] = sum over n, i, j of the same entry of dout times x[n, i, j, c]
        dbias[f]            = sum over n and all places of dout[..., f]

        Parameters
        ----------
        dout : (N, H', W', F), gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : (N, H, W, C), or None.
        """
        (x,) = self.recall(dout)
        padded = pad_images(dout, self.pads())
        self.grads["kernel"] = convolve_kernel_gradient(padded, x, self.kernel_size, self.strides, ONE_BY_ONE)
        if self.use_bias:
            self.grads["bias"] = channel_sums(pixel_rows(dout), self.filters)
        if not input_gradient:
            return None
        return convolve(padded, self.params["kernel"], self.strides, ONE_BY_ONE)[0]

    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """What is cut off all around: the zeros of the convolution that this layer turns round.

        >>> conv = Conv2DTranspose(1, (3, 4), strides=2, padding="same")
        >>> conv.build((5, 5, 1), np.random.default_rng(0))
        (10, 10, 1)
        >>> conv.pads()
        ((0, 1), (1, 1))
        """
        size = self.output_shape(self.input_shape)[:2]
        return image_pads(size, self.kernel_size, self.strides, ONE_BY_ONE, self.padding)
