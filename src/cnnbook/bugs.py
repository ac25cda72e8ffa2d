"""The Bug Zoo: named wrong layers, losses, initializers and metrics, a few lines away from the right ones.

Every animal was found in the wild, most of them in published teaching code. Almost none raises an error, most
of them train, some of them train well. `cnnbook.zoo` sets each beside the right thing and the check that
tells the two apart.
"""

import math
from dataclasses import dataclass

import numpy as np

from cnnbook.nn import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlorotUniform,
    LeakyReLU,
    MaxPooling2D,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    softmax,
)
from cnnbook.nn.windows import (
    crop_images,
    extract_windows,
    pad_images,
    windowed_input_gradient,
    windowed_product,
)


def remembered(layer) -> tuple:
    """What the layer's last training pass kept for backward, without using it up."""
    if layer._memory is None:
        raise RuntimeError(f"{layer.name}.backward needs a forward pass of its own.")
    return layer._memory[1]


# Convolutions


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
    """Averages the bias gradient over examples and places; every place's blame should be added."""

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


# Dense, activations, reshaping


class ScalarBias(Dense):
    """One single number as the bias of all units."""

    def build(self, input_shape, rng=None, dtype=np.float32):
        output_shape = super().build(input_shape, rng, dtype)
        self.params["bias"] = np.zeros(1, dtype)
        return output_shape

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout, input_gradient=input_gradient)
        self.grads["bias"] = dout.sum(keepdims=True)[0]
        return dx


class ReLUOfTheGradient(ReLU):
    """Lets a gradient through where the *gradient* is positive; it should ask the input."""

    def backward(self, dout, *, input_gradient=True):
        super().backward(dout)
        return np.maximum(dout, 0) if input_gradient else None


class LeakyForwardOnly(LeakyReLU):
    """Leaks forward and forgets to leak backward: the negative side gets no gradient."""

    def backward(self, dout, *, input_gradient=True):
        (positive,) = remembered(self)
        super().backward(dout)
        return dout * positive if input_gradient else None


class SigmoidSlopeOfInput(Sigmoid):
    """Computes x (1 - x) where out (1 - out) is meant, half the slope upside down."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if training:
            self.remember(training, x.shape, x)
        return out


class FlattenByColumns(Flatten):
    """Flattens row by row and unflattens column by column."""

    def backward(self, dout, *, input_gradient=True):
        dx = super().backward(dout)
        return dout.reshape(dx.shape, order="F") if input_gradient else None


class DropoutNotScaled(Dropout):
    """Drops without scaling up what is kept: at inference every number is suddenly larger."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if not training:
            return out
        (mask,) = remembered(self)
        self.remember(training, x.shape, mask * (1 - self.rate))
        return out * (1 - self.rate)


class DropoutTwoMasks(Dropout):
    """Draws a new mask on the way back."""

    def backward(self, dout, *, input_gradient=True):
        mask = (self._rng.random(dout.shape) >= self.rate) / (1 - self.rate)
        super().backward(dout)
        return dout * mask if input_gradient else None


# Pooling


class EveryTieWins(MaxPooling2D):
    """Hands the whole gradient to every pixel that equals the maximum."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if training:
            self.remember(training, out.shape, *remembered(self), x, out)
        return out

    def backward(self, dout, *, input_gradient=True):
        *_, shape, size, x, out = self.recall(dout)
        if not input_gradient:
            return None
        padded, dx = pad_images(x, self.pads(size), -np.inf), np.zeros(shape, dout.dtype)
        for tap in self.taps(dout.shape[1:3]):
            dx[tap] += dout * (padded[tap] == out)
        return crop_images(dx, self.pads(size))


class ZeroPaddingWins(MaxPooling2D):
    """Pads with zeros, which beat every negative number."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        height, width, _ = self.input_shape
        real = pad_images(np.ones((1, height, width, 1)), self.pads((height, width)))
        touches_padding = np.min([real[tap] for tap in self.taps(out.shape[1:3])], axis=0) == 0
        return np.where(touches_padding, np.maximum(out, 0), out).astype(x.dtype)


class AverageNotShared(AveragePooling2D):
    """Hands the whole gradient to every pixel of the window instead of its share."""

    def backward(self, dout, *, input_gradient=True):
        counts = remembered(self)[0]
        return super().backward(dout * counts, input_gradient=input_gradient)


# Batch normalisation


class MeanPathForgotten(BatchNormalization):
    """Treats the batch mean as a constant on the way back."""

    def backward(self, dout, *, input_gradient=True):
        _, inverse, _ = remembered(self)
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None:
            return None
        axes = tuple(range(dout.ndim - 1))
        return dx + self.params["gamma"] * inverse * dout.mean(axis=axes)


class VariancePathForgotten(BatchNormalization):
    """Treats the batch variance as a constant on the way back."""

    def backward(self, dout, *, input_gradient=True):
        centered, inverse, _ = remembered(self)
        dx = super().backward(dout, input_gradient=input_gradient)
        if dx is None:
            return None
        m = dout.size // dout.shape[-1]
        normalized = centered.reshape(dout.shape) * inverse
        return dx + self.params["gamma"] * inverse * normalized * self.grads["gamma"] / m


class BatchStatisticsAtInference(BatchNormalization):
    """Normalises with the batch it is given, at inference too."""

    def forward(self, x, *, training=False):
        if training:
            return super().forward(x, training=True)
        axes = tuple(range(x.ndim - 1))
        normalized = (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + self.epsilon)
        return self.params["gamma"] * normalized + self.params["beta"]


class FrozenButDrifting(BatchNormalization):
    """Keeps updating its moving statistics when it is frozen."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if training and not self.trainable:
            axes = tuple(range(x.ndim - 1))
            self._remember_statistics(x.mean(axis=axes), x.var(axis=axes))
        return out


# Losses


class NoMaxShift(SoftmaxCrossEntropy):
    """Takes exp of the logits as they come: 1000 is infinity, and infinity over infinity is not a number."""

    def forward(self, logits, labels):
        with np.errstate(all="ignore"):
            probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            examples = np.arange(len(labels))
            self._gradient = lambda: (probs - np.eye(probs.shape[1])[labels]) / len(labels)
            return float(-np.log(probs[examples, labels]).mean())


class TwoSidedLoss(SoftmaxCrossEntropy):
    """Reports the binary cross-entropy of every class, and hands back the gradient of another loss."""

    def forward(self, logits, labels):
        super().forward(logits, labels)
        probs = np.clip(softmax(logits.astype(np.float64)), 1e-9, 1 - 1e-9)
        targets = np.eye(probs.shape[1])[labels]
        return float(-(targets * np.log(probs) + (1 - targets) * np.log(1 - probs)).sum(axis=1).mean())


class SumForMean(SoftmaxCrossEntropy):
    """Reports the mean over the batch and hands back the gradient of the sum."""

    def backward(self):
        gradient = super().backward()
        return gradient * len(gradient)


# Initializers, sizes, metrics


@dataclass(frozen=True)
class NormalOverWindowArea:
    """randn / (K_h K_w): knows the window and forgets the channels."""

    def __call__(self, shape, rng, dtype):
        return (rng.standard_normal(shape) / math.prod(shape[:2])).astype(dtype)


@dataclass(frozen=True)
class OneFilterForAll:
    """Draws one filter and copies it: 64 "unique" kernels that are one kernel."""

    def __call__(self, shape, rng, dtype):
        return np.repeat(GlorotUniform()((*shape[:-1], 1), rng, dtype), shape[-1], axis=-1)


def output_size_as_printed(size, kernel_size, stride, pad):
    """(n + p - k + 1) / s: pads one side only and divides the wrong thing."""
    return (size + pad - kernel_size + 1) // stride


def macro_f1_of_the_predicted(labels, predictions):
    """Averages F1 over the classes that were predicted, and forgets the others."""
    classes = np.unique(predictions)
    hits = [((labels == k) & (predictions == k)).sum() for k in classes]
    sizes = [(labels == k).sum() + (predictions == k).sum() for k in classes]
    return float(np.mean(2 * np.array(hits) / np.array(sizes)))
