"""Wrong convolutions."""

import numpy as np

from cnnbook.bugzoo.trial import remembered
from cnnbook.nn import Conv2D, Conv2DTranspose
from cnnbook.nn.windows import (
    extract_windows,
    pad_images,
    windowed_input_gradient,
    windowed_product,
)


class UnrotatedKernel(Conv2D):
    """Sends gradients back through the kernel as it is, without the half turn."""

    def backward(self, dout, *, input_gradient=True):
        size = remembered(self)[0].shape[1:3]
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None:
            return None
        turned = self.params["kernel"][::-1, ::-1]
        dx = windowed_input_gradient(dout, turned, size, self.strides, self.dilation_rate)
        (top, _), (left, _) = self.pads()
        return dx[:, top : top + self.input_shape[0], left : left + self.input_shape[1]]


class PatchRowsMixedUp(Conv2D):
    """Pairs patches listed by (position, example) with gradients listed by (example, position)."""

    def backward(self, dout, *, input_gradient=True):
        x, _ = remembered(self)
        dx = super().backward(dout, input_gradient=input_gradient)
        kernel = self.params["kernel"]
        patches = extract_windows(x, self.kernel_size, self.strides, self.dilation_rate)
        patches = patches.reshape(len(x), -1, kernel[..., 0].size).swapaxes(0, 1)  # (position, N, taps)
        rows = patches.reshape(-1, kernel[..., 0].size)
        self.grads["kernel"] = (rows.T @ dout.reshape(-1, self.filters)).reshape(kernel.shape)
        return dx


class EvenKernelOffByOne(Conv2D):
    """Cuts the padding off the input gradient as if the kernel were odd: one pixel too far for even ones."""

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None or self.kernel_size[0] % 2:
            return dx
        return np.concatenate([dx[:, 1:], np.zeros_like(dx[:, :1])], axis=1)


class HeightUsedForWidth(Conv2D):
    """Uses the height's padding for the width as well when it cuts the input gradient out."""

    def backward(self, dout, *, input_gradient=True):
        x, _ = remembered(self)
        super().backward(dout, input_gradient=False)
        if not input_gradient:
            return None
        dx = windowed_input_gradient(
            dout, self.params["kernel"], x.shape[1:3], self.strides, self.dilation_rate
        )
        top = self.pads()[0][0]
        height, width, _ = self.input_shape
        dx = dx[:, top : top + height, top : top + width]
        return np.pad(dx, [(0, 0), (0, 0), (0, width - dx.shape[2]), (0, 0)])


class CropByMinusPad(Conv2D):
    """Removes the padding with `dx[:, pad:-pad]`, which is empty when there is none to remove."""

    def backward(self, dout, *, input_gradient=True):
        x, _ = remembered(self)
        super().backward(dout, input_gradient=False)
        if not input_gradient:
            return None
        dx = windowed_input_gradient(
            dout, self.params["kernel"], x.shape[1:3], self.strides, self.dilation_rate
        )
        (pad_h, _), (pad_w, _) = self.pads()
        return dx[:, pad_h:-pad_h, pad_w:-pad_w]


class BiasPerPixel(Conv2D):
    """Learns one bias for every place of the feature map instead of one per filter."""

    def build(self, input_shape, rng=None, dtype=np.float32):
        output_shape = super().build(input_shape, rng, dtype)
        self.params["bias"] = np.zeros(output_shape, dtype)
        return output_shape

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        self.grads["bias"] = dout.sum(axis=0)
        return dx


class BiasGradientAveraged(Conv2D):
    """Averages the bias gradient over examples and places; every place's gradient should be added."""

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        self.grads["bias"] = dout.mean(axis=(0, 1, 2))
        return dx


class TrueConvolution(Conv2D):
    """Slides the kernel turned by half a turn but sends gradients back as if it had not been turned."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        padded = pad_images(x, self.pads())
        kernel = self.params["kernel"]
        turned = windowed_product(padded, kernel[::-1, ::-1], self.strides, self.dilation_rate)
        return out - windowed_product(padded, kernel, self.strides, self.dilation_rate) + turned


class OverlapsOverwritten(Conv2DTranspose):
    """Lays the kernels down one after the other; where two overlap, the later one replaces the earlier."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        (top, _), (left, _) = self.pads()
        (k_h, k_w), (s_h, s_w) = self.kernel_size, self.strides
        canvas = np.zeros((len(x), out.shape[1] + k_h, out.shape[2] + k_w, self.filters), x.dtype)
        for i, j in np.ndindex(x.shape[1:3]):
            piece = np.einsum("nc,uvfc->nuvf", x[:, i, j], self.params["kernel"])
            canvas[:, i * s_h : i * s_h + k_h, j * s_w : j * s_w + k_w] = piece
        out = canvas[:, top : top + out.shape[1], left : left + out.shape[2]].copy()
        return out + self.params["bias"] if self.use_bias else out
