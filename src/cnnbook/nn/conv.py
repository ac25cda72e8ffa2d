"""Convolution, forward and backward."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_initializer, check_padding, check_pair, check_positive
from cnnbook.nn.channels import channel_sums, pixel_rows
from cnnbook.nn.convolve import convolve, convolve_input_gradient, convolve_kernel_gradient
from cnnbook.nn.geometry import count_windows, image_pads
from cnnbook.nn.initializers import GlorotUniform, draw
from cnnbook.nn.layer import Layer
from cnnbook.nn.windows import pad_images


@dataclass(eq=False)
class Conv2D(Layer):
    """Slide a small kernel over the image and add up the products under it, at every place alike.

    out[n, i, j, f] = bias[f] + sum over u, v, c of
                      x[n, i s_h + u d_h - P_top, j s_w + v d_w - P_left, c] kernel[u, v, c, f]

    with zeros outside the image. This is what Keras computes and calls convolution; signal processing calls
    it cross-correlation, because the kernel is not flipped.

    Parameters
    ----------
    filters : number F of output channels, each with its own filter kernel[..., f].
    kernel_size, strides, dilation_rate : pixels, an int or (height, width).
    padding : "valid" (no zeros) or "same" (output size ceil(input size / stride)).
    groups : the C input channels and the F filters are cut into this many groups that do not see each other.
    use_bias : add one number per filter.
    kernel_initializer : how the kernel is drawn; see `cnnbook.nn.initializers`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', F); kernel (K_h, K_w, C / groups, F); bias (F,).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the window is larger than the padded input or
        the groups do not divide the channels (build), if an input has another shape or dtype (forward).

    Examples
    --------
    >>> rows = "11100", "01110", "00111", "00110", "01100"
    >>> image = np.array([list(row) for row in rows], dtype=np.float32)
    >>> conv = Conv2D(filters=1, kernel_size=3)
    >>> conv.build((5, 5, 1), np.random.default_rng(0))
    (3, 3, 1)
    >>> conv.params["kernel"][:, :, 0, 0] = [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
    >>> conv.forward(image.reshape(1, 5, 5, 1))[0, :, :, 0]
    array([[4., 3., 4.],
           [2., 4., 3.],
           [2., 3., 4.]], dtype=float32)

    Source: LeCun et al. (1998), section II.A; arithmetic: Dumoulin and Visin (2016).
    """

    filters: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    padding: str = "valid"
    dilation_rate: int | tuple[int, int] = 1
    groups: int = 1
    use_bias: bool = True
    kernel_initializer: object = GlorotUniform()

    def __post_init__(self):
        self.filters = check_positive(self.name, "filters", self.filters)
        self.kernel_size = check_pair(self.name, "kernel_size", self.kernel_size)
        self.strides = check_pair(self.name, "strides", self.strides)
        self.dilation_rate = check_pair(self.name, "dilation_rate", self.dilation_rate)
        self.padding = check_padding(self.name, self.padding)
        self.groups = check_positive(self.name, "groups", self.groups)
        check_initializer(self.name, "kernel_initializer", self.kernel_initializer)
        if self.filters % self.groups:
            raise ValueError(
                f"{self.name}: groups must divide filters. "
                f"Received filters={self.filters}, groups={self.groups}."
            )

    def output_shape(self, input_shape: Shape) -> Shape:
        size = count_windows(self.name, input_shape, *self._geometry(), self.padding)
        if input_shape[2] % self.groups:
            raise ValueError(
                f"{self.name}: groups must divide the input channels. "
                f"Received {input_shape[2]} channels and groups={self.groups}."
            )
        return (*size, self.filters)

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        shape = (*self.kernel_size, input_shape[2] // self.groups, self.filters)
        self.params["kernel"] = draw(self.name, self.kernel_initializer, shape, rng, dtype)
        if self.use_bias:
            self.params["bias"] = np.zeros(self.filters, dtype)
        return output_shape

    def forward(self, x, *, training=False):
        x = pad_images(self.check_input(x), self.pads())
        out, rows = convolve(x, self.params["kernel"], *self._steps(), keep_rows=training)
        if self.use_bias:
            out += self.params["bias"]
        self.remember(training, out.shape, x, rows)
        return out

    def backward(self, dout, *, input_gradient=True):
        """The gradients of the kernel, the bias and the input.

        dkernel[u, v, c, f] = sum over n, i, j of
                              x[n, i s_h + u d_h - P_top, j s_w + v d_w - P_left, c] dout[n, i, j, f]
        dbias[f]            = sum over n, i, j of dout[n, i, j, f]
        dx[n, i', j', c]    = sum of dout[n, i, j, f] kernel[u, v, c, f] over the taps that read (i', j')

        Parameters
        ----------
        dout : (N, H', W', F), gradient of the loss with respect to this layer's output.
        input_gradient : False spares the work for dx, which a first layer does not need.

        Returns
        -------
        dx : (N, H, W, C), or None.
        """
        x, rows = self.recall(dout)
        strides, dilation_rate, groups = self._steps()
        self.grads["kernel"] = convolve_kernel_gradient(x, dout, self.kernel_size, *self._steps(), rows)
        if self.use_bias:
            self.grads["bias"] = channel_sums(pixel_rows(dout), self.filters)
        if not input_gradient:
            return None
        kernel, size = self.params["kernel"], x.shape[1:3]
        return convolve_input_gradient(dout, kernel, size, strides, dilation_rate, self.pads(), groups)

    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Zeros around the image this layer was built for: ((top, bottom), (left, right)).

        >>> conv = Conv2D(8, (3, 4), padding="same")
        >>> conv.build((28, 28, 1), np.random.default_rng(0))
        (28, 28, 8)
        >>> conv.pads()
        ((1, 1), (1, 2))
        """
        return image_pads(self.input_shape[:2], *self._geometry(), self.padding)

    def _geometry(self):
        return self.kernel_size, self.strides, self.dilation_rate

    def _steps(self):
        return self.strides, self.dilation_rate, self.groups
