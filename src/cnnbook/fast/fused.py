"""The finale: the same numbers sooner, by doing less and by doing it twice at once.

    plain   conv -> + bias -> - mean -> / deviation -> * gamma + beta -> max(., 0) -> largest of four
            every arrow writes a whole feature map and reads it again

    fused   conv -> - mean -> largest of four -> * slope + beta -> max(., 0)
            after the second arrow only a quarter of the numbers is left

Three facts make the short way right.

- Batch norm takes the mean away, and with it any bias before it: the bias need not be added, and its gradient
  is 0.
- Scaling by a positive number, adding, and cutting at 0 never change which of four numbers is the largest, so
  the largest may be found first. Where gamma is negative the smallest is wanted: turn the channel's sign.
- Batch norm's gradient is one number for each winner of the pooling, plus a multiple of the feature map, plus
  a constant per channel.

The second half is *shards*: a batch is cut into pieces, each goes through the network in a thread of its own
(NumPy releases Python's lock while it computes). The threads wait for each other only where a sum over the
whole batch is needed: for the mean and variance of batch norm, and for their share in its gradient.

What is traded away is the right to look inside: the layers of a fused model keep nothing between its forward
and its backward. Everything else holds: results are new arrays, and inputs are not written to.
"""

import copy
import functools
import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnbook.fast.shards import Threads
from cnnbook.nn.activations import ReLU
from cnnbook.nn.arguments import check_positive
from cnnbook.nn.batchnorm import BatchNormalization
from cnnbook.nn.channels import channel_sums, pixel_rows, spread
from cnnbook.nn.conv import Conv2D
from cnnbook.nn.dropout import Dropout
from cnnbook.nn.layer import Array, Layer
from cnnbook.nn.pooling import MaxPooling2D
from cnnbook.nn.residual import Residual
from cnnbook.nn.sequential import Sequential

BLOCK = [Conv2D, BatchNormalization, ReLU, MaxPooling2D]


def fuse(model: Sequential, *, shards: int = 1) -> "FusedSequential":
    """A faster way through a built model: the same layers, weights and numbers.

    Every Conv2D, BatchNormalization, ReLU, MaxPooling2D in this order runs as one block; all other layers run
    as they are. The layers are shared, not copied: training the fused model trains `model`.

    Parameters
    ----------
    model : a built Sequential. shards : pieces a batch is cut into, each computed in a thread of its own;
        as many as there are cores is a good number.

    Returns
    -------
    FusedSequential : for `fit`, `evaluate`, `predict` and every optimizer. `save` writes the plain model.

    Raises
    ------
    RuntimeError : if the model is not built.
    ValueError : if, with shards, a batch norm stands outside such a block, or a layer is a Residual or not
        from cnnbook.nn: what they need from the other shards is not known.

    Examples
    --------
    >>> from cnnbook.nn import Dense, Flatten
    >>> layers = [Conv2D(4, 3), BatchNormalization(), ReLU(), MaxPooling2D(2), Flatten(), Dense(10)]
    >>> model = Sequential(layers)
    >>> model.build((8, 8, 1), seed=0)
    (10,)
    >>> x = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
    >>> plain = model.forward(x, training=True)
    >>> bool(np.allclose(fuse(model, shards=2).forward(x, training=True), plain, atol=1e-5))
    True

    Source: Jacob et al. (2018), section 3.2, fold the normalisation away at inference; here it is trained.
    """
    if not isinstance(model, Sequential) or model.input_shape is None:
        raise RuntimeError("fuse needs a built Sequential. Call build(input_shape, seed) once before fuse.")
    fused = FusedSequential(model.layers, check_positive("fuse", "shards", shards))
    fused.input_shape, fused.dtype = model.input_shape, model.dtype
    for step in steps_of(model.layers).values() if shards > 1 else ():
        if isinstance(step, BatchNormalization):
            raise ValueError(
                f"fuse: with shards={shards} every BatchNormalization must stand right after a Conv2D and "
                "before a ReLU and a MaxPooling2D. Received one that does not. Use shards=1."
            )
        if isinstance(step, Residual):
            raise ValueError(
                f"fuse: with shards={shards} no layer may be a Residual, whose layers may need all shards. "
                "Received one. Use shards=1."
            )
        if not (isinstance(step, Block) or type(step).__module__.startswith("cnnbook.nn.")):
            raise ValueError(
                f"fuse: with shards={shards} every layer must be one of cnnbook.nn. "
                f"Received a {type(step).__name__}. Use shards=1."
            )
    return fused


@dataclass(eq=False)
class FusedSequential(Sequential):
    """A Sequential that takes the short way through its layers; made by `fuse`, used like any other.

    Examples
    --------
    >>> from cnnbook.nn import Dense
    >>> model = Sequential([Dense(3)])
    >>> model.build((4,))
    (3,)
    >>> fuse(model).layers[0] is model.layers[0]
    True
    """

    shards: int = 1
    _pass: Any = field(init=False, repr=False, default=None)

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The last layer's output for a batch `x` of shape (N, *input_shape)."""
        self.check_built("forward")
        pieces = cut(len(x), self.shards)
        threads, masks = Threads(len(pieces)), draw_masks(self.layers, len(x)) if training else {}
        copies = [[own_copy(layer, masks, piece) for layer in self.layers] for piece in pieces]
        runs = [steps_of(layers, threads, shard) for shard, layers in enumerate(copies)]

        def work(shard):
            out = x[pieces[shard]]
            for step in runs[shard].values():
                out = step.forward(out, training=training)
            return out

        outs = threads.run(work)
        if training:
            self._pass = pieces, threads, copies, runs
        return outs[0] if len(outs) == 1 else np.concatenate(outs)

    def backward(self, dout: Array, *, input_gradient: bool = True) -> Array | None:
        """Fill every layer's grads, last layer first; return dx, or None when it is not asked for."""
        if self._pass is None:
            raise RuntimeError(
                "FusedSequential.backward needs a forward pass of its own: "
                "call forward(x, training=True) before every backward(dout)."
            )
        (pieces, threads, copies, runs), self._pass = self._pass, None
        learner = 0 if input_gradient else self.first_learner()
        if learner == len(self.layers):
            return None
        first = max(index for index in runs[0] if index <= learner)

        def work(shard):
            dx = dout[pieces[shard]]
            for index, step in reversed(runs[shard].items()):
                if index > first or (index == first and input_gradient):
                    dx = step.backward(dx)
                elif index == first:
                    step.backward(dx, input_gradient=False)
            return dx

        shares = threads.run(work)
        for layer, *parts in zip(self.layers, *copies, strict=True):
            for name in parts[0].grads:
                layer.grads[name] = functools.reduce(np.add, [part.grads[name] for part in parts])
        if not input_gradient:
            return None
        return shares[0] if len(shares) == 1 else np.concatenate(shares)

    def forget(self) -> None:
        """Drop what the last forward pass kept for `backward`."""
        self._pass = None


class Block:
    """Convolution, batch norm, ReLU and max pooling in one; the story stands at the top of this file.

    With z for the convolution without its bias, s for the sign of gamma, m numbers per channel in the batch:

    out = max(slope pooled + beta, 0)         pooled = the largest s (z - mean) of every window
                                              slope  = |gamma| / deviation
    g   = dout where out > 0, else 0          deviation = sqrt(variance + epsilon)
    dz  = s (slope (g at the winners - sum of g / m) - c (s z - s mean))
                                              c = slope / deviation^2  sum of g pooled / m

    Parameters
    ----------
    conv, norm, pool : one shard's copies of the layers. threads, shard : where sums over the batch are made.
    """

    def __init__(self, conv, norm, pool, threads, shard):
        self.conv, self.norm, self.pool, self.threads, self.shard = (
            copy.copy(conv),
            norm,
            pool,
            threads,
            shard,
        )
        self.conv.use_bias = False  # in this copy: batch norm would take the bias away again

    def forward(self, x, *, training=False):
        norm, state = self.norm, self.norm.state
        z = self.conv.forward(x, training=training)
        rows, shape, channels = pixel_rows(z), z.shape, z.shape[3]
        bias = self.conv.params.get("bias", 0)
        from_batch = training and norm.trainable
        m = None
        if from_batch:
            m = self.all_reduce(z.size // channels)
            mean = self.all_reduce(channel_sums(rows, channels)) / m
            rows -= spread(mean, shape)
            variance = self.all_reduce(channel_sums(rows, channels, times=rows)) / m
            if self.shard == 0:
                norm._remember_statistics(mean + bias, variance)
        else:
            rows -= spread(state["moving_mean"] - bias, shape)
            variance = state["moving_variance"]
        inverse = 1 / np.sqrt(variance + norm.epsilon)
        gamma = norm.params.get("gamma", np.ones_like(inverse))
        sign = np.copysign(np.ones_like(gamma), gamma)
        if (sign < 0).any():
            rows *= spread(sign, shape)
        pooled = self.pool.forward(z, training=training)
        slope = abs(gamma) * inverse
        out = pixel_rows(pooled) * spread(slope, pooled.shape)
        if norm.center:
            out += spread(norm.params["beta"], pooled.shape)
        np.maximum(out, 0, out=out)
        if training:
            self.memory = z, pixel_rows(pooled), out > 0, sign, slope, inverse, m
        return out.reshape(pooled.shape)

    def backward(self, dout, *, input_gradient=True):
        z, pooled, positive, sign, slope, inverse, m = self.memory
        norm, rows, channels = self.norm, pixel_rows(z), z.shape[3]
        g = pixel_rows(dout) * positive
        dbeta, dgamma = channel_sums(g, channels), channel_sums(g, channels, times=pooled) * inverse
        if norm.scale:
            norm.grads["gamma"] = dgamma * sign
        if norm.center:
            norm.grads["beta"] = dbeta
        if m:
            dbeta, dgamma = self.all_reduce(np.stack([dbeta, dgamma]))
            rows *= spread(-slope * inverse * dgamma / m, z.shape)  # z is used up: dz grows in its place
            rows -= spread(slope * dbeta / m, z.shape)
        else:
            rows[...] = 0
        g *= spread(slope, dout.shape)
        z += self.pool.backward(g.reshape(dout.shape))
        if (sign < 0).any():
            rows *= spread(sign, z.shape)
        if "bias" in self.conv.params:
            self.conv.grads["bias"] = np.zeros_like(sign) if m else channel_sums(rows, channels)
        return self.conv.backward(z, input_gradient=input_gradient)

    def all_reduce(self, part):
        return self.threads.all_reduce(self.shard, part)


def steps_of(layers: list[Layer], threads: Threads | None = None, shard: int = 0) -> dict[int, Any]:
    """The way through the layers, every BLOCK of four as one step: {index of its first layer: step}."""
    steps, index = {}, 0
    while index < len(layers):
        if [type(layer) for layer in layers[index : index + 4]] == BLOCK:
            conv, norm, _, pool = layers[index : index + 4]
            steps[index] = Block(conv, norm, pool, threads, shard)
            index += 4
        else:
            steps[index] = layers[index]
            index += 1
    return steps


def own_copy(layer: Layer, masks: dict[int, Array], piece: slice) -> Layer:
    """The layer for one shard: params and state are the layer's, grads and memory are its own."""
    own = copy.copy(layer)
    own.grads, own._memory = {}, None
    if id(layer) in masks:
        own.draw_mask = lambda shape: masks[id(layer)][piece]  # in place of drawing one
    return own


def draw_masks(layers: list[Layer], n: int) -> dict[int, Array]:
    """The masks of the whole batch, drawn as the plain model draws them; every shard gets its part."""
    return {
        id(layer): layer.draw_mask((n, *layer.input_shape)) for layer in layers if isinstance(layer, Dropout)
    }


def cut(n: int, shards: int) -> list[slice]:
    """A batch of n in pieces of nearly equal size, none of them empty.

    >>> cut(5, 2), cut(1, 2)
    ([slice(0, 2, None), slice(2, 5, None)], [slice(0, 1, None)])
    """
    shards = max(1, min(shards, n))
    ends = [n * shard // shards for shard in range(shards + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]
