"""A network: layers one after the other. Forward from first to last, backward from last to first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cnnbook.nn.arguments import Shape, check_shape
from cnnbook.nn.layer import Array, Layer


@dataclass(eq=False)
class Sequential:
    """Layers in a row: the output of each is the input of the next.

    Parameters
    ----------
    layers : list of layers, in order from the input to the output; each object at most once.

    Attributes
    ----------
    stop_training : a callback sets it to True to end the run that `fit` is in.

    Raises
    ------
    ValueError : if something is no layer or a layer is used twice (constructor), if a layer does not fit what
        comes before it (build).
    RuntimeError : if forward is called before build.

    Examples
    --------
    >>> from cnnbook.nn import Conv2D, Dense, Flatten, ReLU
    >>> model = Sequential([Conv2D(4, 3), ReLU(), Flatten(), Dense(10)])
    >>> model.build((5, 5, 1), seed=0)
    (10,)
    >>> logits = model.forward(np.ones((2, 5, 5, 1), np.float32), training=True)
    >>> dx = model.backward(np.ones_like(logits))
    >>> [(name, param.shape, grad.shape) for name, param, grad in model.parameters()][0]
    ('0/kernel', (3, 3, 1, 4), (3, 3, 1, 4))
    """

    layers: list[Layer]
    input_shape: Shape | None = field(init=False, repr=False, default=None)
    dtype: Any = field(init=False, repr=False, default=None)
    stop_training: bool = field(init=False, repr=False, default=False)

    def __post_init__(self):
        self.layers = list(self.layers)
        for index, layer in enumerate(self.layers):
            if not isinstance(layer, Layer):
                raise ValueError(
                    f"Sequential: layers must be layer objects. Received {layer!r} as layer {index}."
                )
            if any(layer is earlier for earlier in self.layers[:index]):
                raise ValueError(
                    f"Sequential: every layer must be an object of its own. "
                    f"Received layer {index} ({layer.name}) twice. Make a second one."
                )
        if not self.layers:
            raise ValueError("Sequential needs at least one layer. Received an empty list.")

    def build(self, input_shape: Shape, seed: int | np.random.Generator = 0, dtype=np.float32) -> Shape:
        """Build every layer for what the one before it returns; return the network's output shape.

        Parameters
        ----------
        input_shape : shape of one example, without N.
        seed : int or generator; every layer gets a random generator of its own, spawned from it in order.
        dtype : float32 to train, float64 to check gradients.
        """
        self.output_shape(input_shape)  # where one layer does not fit, all stay as they were
        rngs, shape = np.random.default_rng(seed).spawn(len(self.layers)), input_shape
        for index, (layer, rng) in enumerate(zip(self.layers, rngs, strict=True)):
            with layer_named(index):
                shape = layer.build(shape, rng, dtype)
        self.input_shape, self.dtype = self.layers[0].input_shape, np.dtype(dtype)
        return shape

    def output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output for one input of `input_shape`; changes nothing."""
        shape = input_shape
        for index, layer in enumerate(self.layers):
            with layer_named(index):
                shape = layer.output_shape(check_shape(layer.name, shape))
        return shape

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The last layer's output for a batch `x` of shape (N, *input_shape)."""
        self.check_built("forward")
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dout: Array, *, input_gradient: bool = True) -> Array | None:
        """Fill every layer's grads, last layer first; return dx, or None when it is not asked for.

        Without input_gradient the way back ends at the first layer that learns: nothing below it needs a
        gradient, so that layer is spared its dx, and the layers below it are not asked at all.
        """
        first = 0 if input_gradient else self.first_learner()
        for index, layer in reversed(list(enumerate(self.layers))):
            if index < first:
                layer.forget()
            elif index == first and not input_gradient:
                dout = layer.backward(dout, input_gradient=False)
            else:
                dout = layer.backward(dout)
        return dout if input_gradient else None

    def forget(self) -> None:
        """Drop what the last forward pass kept for `backward`."""
        for layer in self.layers:
            layer.forget()

    def first_learner(self) -> int:
        """The index of the first layer that an optimizer changes; if all are frozen, the first with any.

        Without any layer that has parameters it is the number of layers.
        """
        with_params = [index for index, layer in enumerate(self.layers) if layer.params]
        learners = [index for index in with_params if self.layers[index].learned()]
        return (learners or with_params or [len(self.layers)])[0]

    def parameters(self) -> Iterator[tuple[str, Array, Array | None]]:
        """All that an optimizer may change: ("0/kernel", param, grad) of the layers that are not frozen."""
        for index, layer in enumerate(self.layers):
            for name, param in layer.learned().items():
                yield f"{index}/{name}", param, layer.grads.get(name)

    def weights(self) -> dict[str, Array]:
        """All arrays that make up the network, learned or not, in Keras' order: {"0/kernel": ...}."""
        return {
            f"{index}/{name}": array
            for index, layer in enumerate(self.layers)
            for name, array in layer.weights().items()
        }

    def summary(self) -> None:
        """Print layers, output shapes and numbers of parameters, counted as Keras counts them.

        Examples
        --------
        >>> from cnnbook.nn import BatchNormalization, Dense
        >>> model = Sequential([Dense(8, use_bias=False), BatchNormalization(), Dense(3)])
        >>> model.build((4,))
        (3,)
        >>> model.summary()
           layer                    output shape             params
        0  Dense                    (N, 8)                       32
        1  BatchNormalization       (N, 8)                       32
        2  Dense                    (N, 3)                       27
        Total params: 91
        Trainable params: 75
        Non-trainable params: 16
        """
        self.check_built("summary")
        print(f"   {'layer':<24} {'output shape':<22} {'params':>8}")
        for index, layer in enumerate(self.layers):
            shape = ", ".join(["N", *map(str, layer.output_shape(layer.input_shape))])
            count = sum(array.size for array in layer.weights().values())
            print(f"{index:<2} {layer.name:<24} {f'({shape})':<22} {count:>8,}")
        total = sum(array.size for array in self.weights().values())
        trainable = sum(param.size for _, param, _ in self.parameters())
        print(f"Total params: {total:,}")
        print(f"Trainable params: {trainable:,}")
        print(f"Non-trainable params: {total - trainable:,}")

    def check_built(self, what: str) -> None:
        """Refuse to do `what` before `build`."""
        if self.input_shape is None:
            raise RuntimeError(
                f"Sequential is not built yet. Call build(input_shape, seed) once before {what}."
            )


@contextmanager
def layer_named(index: int) -> Iterator[None]:
    """Within it, a layer's refusal of a shape also says which layer of the network it is."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"Layer {index} cannot be built. {error}") from error
