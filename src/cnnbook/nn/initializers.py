"""How a layer's weights are drawn before training. Keras' names, Keras' fans, Keras' truncation.

Every initializer is called as `initializer(shape, rng, dtype)` and returns an array of that shape.
"""

import math
from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import check_rng


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers each output reads (fan-in) and each input feeds (fan-out), as Keras counts them.

    Parameters
    ----------
    shape : (D, U) of a dense kernel or (K_h, K_w, C, F) of a convolution kernel.

    Examples
    --------
    >>> fans((784, 256)), fans((3, 3, 16, 32))
    ((784, 256), (144, 288))

    Source: Glorot and Bengio (2010), section 4.2.1; He et al. (2015), section 2.2.
    """
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def draw(owner: str, initializer, shape: tuple[int, ...], rng, dtype) -> np.ndarray:
    """A layer's first kernel: what the initializer returns, if it is an array of this shape and dtype.

    >>> draw("Dense", GlorotUniform(), (3, 2), np.random.default_rng(0), np.float32).shape
    (3, 2)
    """
    kernel = initializer(shape, check_rng(owner, rng), dtype)
    found = (np.shape(kernel), getattr(kernel, "dtype", None))
    if not isinstance(kernel, np.ndarray) or found != (shape, np.dtype(dtype)):
        raise ValueError(
            f"{owner}: the initializer must return an array of shape {shape} and dtype {np.dtype(dtype)}. "
            f"Received shape {found[0]} and dtype {found[1]} from {initializer!r}."
        )
    return kernel


def truncated_normal(shape, stddev, rng, dtype):
    """Normal numbers without those beyond two standard deviations, rescaled to have `stddev` again.

    Examples
    --------
    >>> draws = truncated_normal((10_000,), 1.0, np.random.default_rng(0), np.float32)
    >>> bool(abs(draws.std() - 1) < 0.02), bool(abs(draws).max() < 2.28), draws.dtype
    (True, True, dtype('float32'))
    """
    draws = rng.standard_normal(shape)
    outside = np.abs(draws) > 2
    while outside.any():
        draws[outside] = rng.standard_normal(np.count_nonzero(outside))
        outside = np.abs(draws) > 2
    return (draws * (stddev / 0.87962566103423978)).astype(dtype)


@dataclass(frozen=True)
class Zeros:
    """All weights 0: for biases, never for kernels (all units would stay alike for ever).

    >>> Zeros()((2,), None, np.float32)
    array([0., 0.], dtype=float32)
    """

    def __call__(self, shape, rng, dtype):
        return np.zeros(shape, dtype)


@dataclass(frozen=True)
class RandomNormal:
    """Normal weights of a fixed spread, whatever the layer's size: what Glorot and He improve on.

    Parameters
    ----------
    stddev : standard deviation of the weights; Keras' default .05.

    >>> RandomNormal(stddev=1.0)((2, 3), np.random.default_rng(0), np.float32).shape
    (2, 3)
    """

    stddev: float = 0.05

    def __call__(self, shape, rng, dtype):
        return (self.stddev * rng.standard_normal(shape)).astype(dtype)


@dataclass(frozen=True)
class GlorotUniform:
    """Uniform on +-sqrt(6 / (fan_in + fan_out)): variance 2 / (fan_in + fan_out). Keras' default.

    >>> weights = GlorotUniform()((3, 3, 16, 32), np.random.default_rng(0), np.float32)
    >>> bool(abs(weights).max() <= (6 / (144 + 288)) ** 0.5), weights.dtype
    (True, dtype('float32'))

    Source: Glorot and Bengio (2010), equation 16.
    """

    def __call__(self, shape, rng, dtype):
        limit = math.sqrt(6 / sum(fans(shape)))
        return rng.uniform(-limit, limit, shape).astype(dtype)


@dataclass(frozen=True)
class GlorotNormal:
    """Truncated normal with variance 2 / (fan_in + fan_out).

    >>> GlorotNormal()((784, 256), np.random.default_rng(0), np.float32).std().round(3)
    np.float32(0.044)

    Source: Glorot and Bengio (2010), equation 12.
    """

    def __call__(self, shape, rng, dtype):
        return truncated_normal(shape, math.sqrt(2 / sum(fans(shape))), rng, dtype)


@dataclass(frozen=True)
class HeUniform:
    """Uniform on +-sqrt(6 / fan_in): variance 2 / fan_in, for layers followed by a ReLU.

    >>> bool(abs(HeUniform()((784, 256), np.random.default_rng(0), np.float32)).max() <= (6 / 784) ** 0.5)
    True

    Source: He et al. (2015), equation 10 for the variance.
    """

    def __call__(self, shape, rng, dtype):
        limit = math.sqrt(6 / fans(shape)[0])
        return rng.uniform(-limit, limit, shape).astype(dtype)


@dataclass(frozen=True)
class HeNormal:
    """Truncated normal with variance 2 / fan_in, for layers followed by a ReLU.

    >>> HeNormal()((784, 256), np.random.default_rng(0), np.float32).std().round(3)
    np.float32(0.051)

    Source: He et al. (2015), equation 10.
    """

    def __call__(self, shape, rng, dtype):
        return truncated_normal(shape, math.sqrt(2 / fans(shape)[0]), rng, dtype)
