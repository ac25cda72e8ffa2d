"""Convolution of every channel on its own, forward and backward."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_initializer, check_padding, check_pair, check_positive
from cnnbook.nn.channels import channel_sums, pixel_rows
from cnnbook.nn.geometry import count_windows, image_pads
from cnnbook.nn.initializers import GlorotUniform, draw
from cnnbook.nn.layer import Layer
from cnnbook.nn.windows import crop_images, extract_windows, pad_images, tap_slices


@dataclass(eq=False)
class DepthwiseConv2D(Layer):
    """Give every channel filters of its own, and never add channels up.

    out[n, i, j, c M + m] = bias[c M + m] + sum over u, v of
                            x[n, i s_h + u d_h - P_top, j s_w + v d_w - P_left, c] kernel[u, v, c, m]

    It is a convolution with as many groups as channels, at 1 / C of an ordinary one's cost; a 1x1 Conv2D
    after it mixes the channels again.

    Parameters
    ----------
    kernel_size, strides, dilation_rate : pixels, an int or (height, width).
    padding : "valid" (no zeros) or "same" (output size ceil(input size / stride)).
    depth_multiplier : number M of filters for each channel.
    use_bias : add one number per output channel.
    depthwise_initializer : how the kernel is drawn; see `cnnbook.nn.initializers`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', C M); kernel (K_h, K_w, C, M); bias (C M,).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the window is larger than the padded input
        (build), if an input has another shape or dtype (forward).

    Examples
    --------
    >>> conv = DepthwiseConv2D(kernel_size=(1, 2))
    >>> conv.build((1, 3, 2), np.random.default_rng(0))
    (1, 2, 2)
    >>> conv.params["kernel"][0, :, :, 0] = [[1, 1], [1, -1]]            # channel 0 adds, channel 1 subtracts
    >>> conv.forward(np.array([[1, 1], [2, 2], [4, 4]], dtype=np.float32).reshape(1, 1, 3, 2))[0, 0]
    array([[ 3., -1.],
           [ 6., -2.]], dtype=float32)

    Source: Chollet (2017), section 3; Howard et al. (2017), section 3.1.
    """

    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    padding: str = "valid"
    depth_multiplier: int = 1
    dilation_rate: int | tuple[int, int] = 1
    use_bias: bool = True
    depthwise_initializer: object = GlorotUniform()

    def __post_init__(self):
        self.kernel_size = check_pair(self.name, "kernel_size", self.kernel_size)
        self.strides = check_pair(self.name, "strides", self.strides)
        self.dilation_rate = check_pair(self.name, "dilation_rate", self.dilation_rate)
        self.padding = check_padding(self.name, self.padding)
        self.depth_multiplier = check_positive(self.name, "depth_multiplier", self.depth_multiplier)
        check_initializer(self.name, "depthwise_initializer", self.depthwise_initializer)

    def output_shape(self, input_shape: Shape) -> Shape:
        geometry = self.kernel_size, self.strides, self.dilation_rate, self.padding
        return (*count_windows(self.name, input_shape, *geometry), input_shape[2] * self.depth_multiplier)

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        shape = (*self.kernel_size, self.input_shape[2], self.depth_multiplier)
        self.params["kernel"] = draw(self.name, self.depthwise_initializer, shape, rng, dtype)
        if self.use_bias:
            self.params["bias"] = np.zeros(output_shape[2], dtype)
        return output_shape

    def forward(self, x, *, training=False):
        x = pad_images(self.check_input(x), self.pads())
        copies = self._copies(x)  # (N, H, W, C M)
        kernel = self.params["kernel"].reshape(*self.kernel_size, -1)  # (K_h, K_w, C M)
        windows = extract_windows(copies, self.kernel_size, self.strides, self.dilation_rate)
        out = np.einsum("nijuvc,uvc->nijc", windows, kernel)
        if self.use_bias:
            out += self.params["bias"]
        self.remember(training, out.shape, x)
        return out

    def backward(self, dout, *, input_gradient=True):
        """The gradients of the kernel, the bias and the input, channel by channel.

        dkernel[u, v, c, m] = sum over n, i, j of
                              x[n, i s_h + u d_h - P_top, j s_w + v d_w - P_left, c] dout[n, i, j, c M + m]
        dbias[c M + m]      = sum over n, i, j of dout[n, i, j, c M + m]
        dx[n, i', j', c]    = sum of dout[n, i, j, c M + m] kernel[u, v, c, m] over m and the taps that read
                              (i', j')

        Parameters
        ----------
        dout : (N, H', W', C M), gradient of the loss with respect to this layer's output.
        input_gradient : False spares the work for dx, which a first layer does not need.

        Returns
        -------
        dx : (N, H, W, C), or None.
        """
        (x,) = self.recall(dout)
        kernel = self.params["kernel"]
        if self.use_bias:
            self.grads["bias"] = channel_sums(pixel_rows(dout), dout.shape[3])
        windows = extract_windows(self._copies(x), self.kernel_size, self.strides, self.dilation_rate)
        self.grads["kernel"] = np.einsum("nijuvc,nijc->uvc", windows, dout).reshape(kernel.shape)
        if not input_gradient:
            return None
        dx = np.zeros((*x.shape[:3], dout.shape[3]), dout.dtype)  # (N, H, W, C M)
        for u, v in np.ndindex(*self.kernel_size):
            tap = tap_slices(u, v, dout.shape[1:3], self.strides, self.dilation_rate)
            dx[tap] += dout * kernel[u, v].reshape(-1)
        dx = crop_images(dx, self.pads())
        return dx.reshape(*dx.shape[:3], -1, self.depth_multiplier).sum(axis=4)

    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros around the image this layer was built for: ((top, bottom), (left, right))."""
        geometry = self.kernel_size, self.strides, self.dilation_rate, self.padding
        return image_pads(self.input_shape[:2], *geometry)

    def _copies(self, x):
        """M filters on a channel are one filter on each of M copies: (N, H, W, C) -> (N, H, W, C M)."""
        return x if self.depth_multiplier == 1 else np.repeat(x, self.depth_multiplier, axis=3)
