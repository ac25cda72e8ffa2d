"""The separable convolution: every channel alone, then a mixture of the channels at every pixel."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_initializer
from cnnbook.nn.conv import Conv2D
from cnnbook.nn.depthwise import DepthwiseConv2D
from cnnbook.nn.initializers import GlorotUniform
from cnnbook.nn.layer import Layer


@dataclass(eq=False)
class SeparableConv2D(Layer):
    """A depthwise convolution, then a 1x1 convolution: space first, channels afterwards.

    out = Conv2D(filters, 1)(DepthwiseConv2D(kernel_size)(x))

    It has K_h K_w C M + C M F weights where a full convolution has K_h K_w C F. It equals the full
    convolution with the kernel

    kernel[u, v, c, f] = sum over m of depthwise_kernel[u, v, c, m] pointwise_kernel[0, 0, c M + m, f].

    Parameters
    ----------
    filters : number F of output channels.
    kernel_size, strides, padding, dilation_rate, depth_multiplier : as in `DepthwiseConv2D`.
    use_bias : add one number per filter.
    depthwise_initializer, pointwise_initializer : how the kernels are drawn; see `cnnbook.nn.initializers`.

    Shapes
    ------
    x (N, H, W, C) -> out (N, H', W', F); depthwise_kernel (K_h, K_w, C, M); pointwise_kernel (1, 1, C M, F);
    bias (F,).

    Raises
    ------
    ValueError : if an argument is impossible (constructor), if the window is larger than the padded input
        (build), if an input has another shape or dtype (forward).

    Examples
    --------
    >>> conv = SeparableConv2D(filters=1, kernel_size=(1, 2))
    >>> conv.build((1, 3, 2), np.random.default_rng(0))
    (1, 2, 1)
    >>> conv.params["depthwise_kernel"][0, :, :, 0] = [[1, 1], [1, -1]]  # channel 0 adds, 1 subtracts
    >>> conv.params["pointwise_kernel"][0, 0, :, 0] = [1, 10]
    >>> conv.forward(np.array([[1, 1], [2, 2], [4, 4]], dtype=np.float32).reshape(1, 1, 3, 2)).ravel()
    array([ -7., -14.], dtype=float32)

    Source: Chollet (2017), section 3; Howard et al. (2017), section 3.1; keras.layers.SeparableConv2D.
    """

    filters: int
    kernel_size: int | tuple[int, int]
    strides: int | tuple[int, int] = 1
    padding: str = "valid"
    dilation_rate: int | tuple[int, int] = 1
    depth_multiplier: int = 1
    use_bias: bool = True
    depthwise_initializer: object = GlorotUniform()
    pointwise_initializer: object = GlorotUniform()

    def __post_init__(self):
        for name in ("depthwise_initializer", "pointwise_initializer"):
            check_initializer(self.name, name, getattr(self, name))
        self._depthwise = _Depthwise(
            self.kernel_size,
            self.strides,
            self.padding,
            self.depth_multiplier,
            self.dilation_rate,
            use_bias=False,
            depthwise_initializer=self.depthwise_initializer,
        )
        self._pointwise = _Pointwise(
            self.filters, 1, use_bias=self.use_bias, kernel_initializer=self.pointwise_initializer
        )
        self.filters, first = self._pointwise.filters, self._depthwise
        self.kernel_size, self.strides, self.padding = first.kernel_size, first.strides, first.padding
        self.dilation_rate, self.depth_multiplier = first.dilation_rate, first.depth_multiplier

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._pointwise.output_shape(self._depthwise.output_shape(input_shape))

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        between = self._depthwise.build(self.input_shape, rng, dtype)
        self._pointwise.build(between, rng, dtype)
        self.params["depthwise_kernel"] = self._depthwise.params["kernel"]
        self.params["pointwise_kernel"] = self._pointwise.params["kernel"]
        if self.use_bias:
            self.params["bias"] = self._pointwise.params["bias"]
        return output_shape

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        for layer in (self._depthwise, self._pointwise):
            layer.dtype = self.dtype
        self._depthwise.params["kernel"] = self.params["depthwise_kernel"]
        self._pointwise.params = {"kernel": self.params["pointwise_kernel"]}
        if self.use_bias:
            self._pointwise.params["bias"] = self.params["bias"]
        out = self._pointwise.forward(self._depthwise.forward(x, training=training), training=training)
        self.remember(training, out.shape)
        return out

    def backward(self, dout, *, input_gradient=True):
        """The gradients of both kernels, the bias and the input: back through the 1x1, then the depthwise.

        Parameters
        ----------
        dout : (N, H', W', F), gradient of the loss with respect to this layer's output.

        Returns
        -------
        dx : (N, H, W, C), or None.
        """
        self.recall(dout)
        dx = self._depthwise.backward(self._pointwise.backward(dout), input_gradient=input_gradient)
        self.grads["depthwise_kernel"] = self._depthwise.grads["kernel"]
        self.grads["pointwise_kernel"] = self._pointwise.grads["kernel"]
        if self.use_bias:
            self.grads["bias"] = self._pointwise.grads["bias"]
        return dx

    def forget(self) -> None:
        super().forget()
        self._depthwise.forget()
        self._pointwise.forget()


class _Depthwise(DepthwiseConv2D):
    """The first half of a separable convolution; its messages name the whole."""

    name = "SeparableConv2D"


class _Pointwise(Conv2D):
    """The second half of a separable convolution; its messages name the whole."""

    name = "SeparableConv2D"
