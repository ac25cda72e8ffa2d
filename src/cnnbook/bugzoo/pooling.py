"""Wrong pooling."""

import numpy as np

from cnnbook.bugzoo.trial import remembered
from cnnbook.nn import (
    AveragePooling2D,
    MaxPooling2D,
)
from cnnbook.nn.windows import (
    crop_images,
    pad_images,
)


class EveryTieWins(MaxPooling2D):
    """Gives the whole gradient to every pixel that equals the maximum."""

    def forward(self, x, *, training=False):
        out = super().forward(x, training=training)
        if training:
            self.remember(training, out.shape, *remembered(self), x, out)
        return out

    def backward(self, dout):
        *_, shape, size, x, out = self.recall(dout)
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
    """Gives the whole gradient to every pixel of the window instead of its share."""

    def backward(self, dout):
        counts = remembered(self)[0]
        return super().backward(dout * counts)
