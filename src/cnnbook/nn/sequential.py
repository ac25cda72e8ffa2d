"""A network: layers one after the other. Forward from first to last, backward from last to first."""

import dataclasses
import json
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cnnbook.nn.layer import Array, Layer, Shape

SAVED_VERSION = 1


@dataclass(eq=False)
class Sequential:
    """Layers in a row, each working on what the one before it hands over.

    Parameters
    ----------
    layers : list of layers, in order from the input to the output; each object at most once.

    Raises
    ------
    ValueError : something that is no layer, a layer used twice (constructor); a layer that does not fit what
        comes before it (build).
    RuntimeError : forward before build.

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

    def build(self, input_shape: Shape, seed: int = 0, dtype=np.float32) -> Shape:
        """Build every layer for what the one before it returns; return the network's output shape.

        Parameters
        ----------
        input_shape : shape of one example, without N.
        seed : every layer gets a random generator of its own, spawned from it in order.
        dtype : float32 to train, float64 to check gradients.
        """
        shape = input_shape
        rngs = np.random.default_rng(seed).spawn(len(self.layers))
        for index, (layer, rng) in enumerate(zip(self.layers, rngs, strict=True)):
            try:
                shape = layer.build(shape, rng, dtype)
            except ValueError as error:
                raise ValueError(f"Layer {index} cannot be built. {error}") from error
        self.input_shape, self.dtype = self.layers[0].input_shape, np.dtype(dtype)
        return shape

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The last layer's output for a batch `x` of shape (N, *input_shape)."""
        self._check_built("forward")
        for layer in self.layers:
            x = layer.forward(x, training=training)
        return x

    def backward(self, dout: Array, *, input_gradient: bool = True) -> Array | None:
        """Fill every layer's grads, last layer first; return dx, or None when it is not asked for.

        Without input_gradient the way back ends at the first layer that learns: below it nobody needs blame.
        """
        first = self.first_to_blame(input_gradient)
        for index, layer in reversed(list(enumerate(self.layers))):
            if index < first:
                layer.forget()
            else:
                dout = layer.backward(dout, input_gradient=input_gradient or index > first)
        return dout

    def first_to_blame(self, input_gradient: bool) -> int:
        """Where the way back ends: at layer 0 if dx is asked for, else at the first layer that learns."""
        learns = [index for index, layer in enumerate(self.layers) if layer.trainable and layer.params]
        return 0 if input_gradient or not learns else learns[0]

    def parameters(self) -> Iterator[tuple[str, Array, Array | None]]:
        """All that an optimizer may change: ("0/kernel", param, grad) of the layers that are not frozen."""
        for index, layer in enumerate(self.layers):
            if layer.trainable:
                for name, param in layer.params.items():
                    yield f"{index}/{name}", param, layer.grads.get(name)

    def weights(self) -> dict[str, Array]:
        """All arrays that make up the network, learned or not, in Keras' order: {"0/kernel": ...}."""
        return {
            f"{index}/{name}": array
            for index, layer in enumerate(self.layers)
            for name, array in (*layer.params.items(), *layer.state.items())
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
        self._check_built("summary")
        print(f"   {'layer':<24} {'output shape':<22} {'params':>8}")
        for index, layer in enumerate(self.layers):
            shape = ", ".join(["N", *map(str, layer.output_shape(layer.input_shape))])
            count = sum(array.size for array in (*layer.params.values(), *layer.state.values()))
            print(f"{index:<2} {layer.name:<24} {f'({shape})':<22} {count:>8,}")
        total = sum(array.size for array in self.weights().values())
        trainable = sum(param.size for _, param, _ in self.parameters())
        print(f"Total params: {total:,}")
        print(f"Trainable params: {trainable:,}")
        print(f"Non-trainable params: {total - trainable:,}")

    def save(self, path: str | os.PathLike) -> None:
        """Write layers and weights to an npz file, whole or not at all; `load(path)` brings them back.

        The file holds arrays and one JSON text, no pickled objects. The optimizer's memory and the state of
        random generators are not part of it.
        """
        self._check_built("save")
        config = {
            "version": SAVED_VERSION,
            "input_shape": self.input_shape,
            "dtype": str(self.dtype),
            "layers": [to_config(layer) for layer in self.layers],
        }
        path = Path(path)
        part = path.with_name(path.name + ".part")
        try:
            with open(part, "wb") as file:
                np.savez(file, config=json.dumps(config), **self.weights())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _check_built(self, what):
        if self.input_shape is None:
            raise RuntimeError(
                f"Sequential is not built yet. Call build(input_shape, seed) once before {what}."
            )


def load(path: str | os.PathLike) -> Sequential:
    """The network that `model.save(path)` wrote: the same layers with the same weights.

    Only classes of `cnnbook.nn` are made, so a file from anywhere can do no more than fail to load.

    Raises
    ------
    ValueError : a file that is damaged, foreign, of another version, names an unknown class, or whose arrays
        do not fit its layers.
    FileNotFoundError : no such file.

    Examples
    --------
    >>> import tempfile
    >>> from cnnbook.nn import Dense
    >>> model = Sequential([Dense(3)])
    >>> model.build((4,), seed=7)
    (3,)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/model.npz")
    ...     again = load(f"{folder}/model.npz")
    >>> bool((again.layers[0].params["kernel"] == model.layers[0].params["kernel"]).all())
    True
    """
    arrays = read_arrays(path)
    try:
        config = json.loads(str(arrays.pop("config")))
        version, input_shape, dtype = config["version"], config["input_shape"], config["dtype"]
        layers = [(layer["class"], dict(layer["arguments"])) for layer in config["layers"]]
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"load: {path} must hold a model written by model.save. It is an npz file of something else."
        ) from None
    if version != SAVED_VERSION:
        raise ValueError(
            f"load: {path} must be a saved model of version {SAVED_VERSION}. Received version={version!r}. "
            "Load it with the cnnbook that wrote it."
        )
    model = Sequential([from_config(name, arguments, Layer) for name, arguments in layers])
    model.build(input_shape, dtype=dtype)
    weights = model.weights()
    if arrays.keys() != weights.keys():
        raise ValueError(
            f"load: {path} must hold one array for every weight of its layers. "
            f"Missing {sorted(weights.keys() - arrays.keys())}, "
            f"unexpected {sorted(arrays.keys() - weights.keys())}. Save the model again."
        )
    for name, weight in weights.items():
        array = arrays[name]
        if array.shape != weight.shape or array.dtype != weight.dtype:
            raise ValueError(
                f"load: {name} in {path} must have shape {weight.shape} and dtype {weight.dtype}. "
                f"Received shape {array.shape} and dtype {array.dtype}. Save the model again."
            )
        weight[...] = array
    return model


def read_arrays(path: str | os.PathLike) -> dict[str, Array]:
    """All arrays of an npz file, without unpickling anything, or a sentence that says it is none."""
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (AttributeError, EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile, zlib.error):
            raise ValueError(
                f"load: {path} must be a complete npz file. It is damaged or something else. "
                "Save the model again."
            ) from None


def to_config(part: Any) -> dict[str, Any]:
    """A layer or an initializer as what JSON can hold: its class name and its constructor's arguments.

    >>> from cnnbook.nn import Dense
    >>> to_config(Dense(3))["arguments"]["kernel_initializer"]
    {'class': 'GlorotUniform', 'arguments': {}}
    """
    arguments = {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if f.init}
    return {
        "class": type(part).__name__,
        "arguments": {
            name: to_config(value) if dataclasses.is_dataclass(value) else value
            for name, value in arguments.items()
        },
    }


def from_config(name: str, arguments: dict[str, Any], kind: type) -> Any:
    """The layer or initializer that `to_config` described; nothing but public classes of `cnnbook.nn`.

    >>> from_config("Dense", {"units": 3}, Layer)
    Dense(units=3, use_bias=True, kernel_initializer=GlorotUniform())
    """
    from cnnbook import nn

    made = getattr(nn, name) if name in nn.__all__ else None
    if not (isinstance(made, type) and issubclass(made, kind)):
        raise ValueError(
            f"load: layers and initializers must be classes of cnnbook.nn. Received class {name!r}. "
            "Build this model in code and copy its arrays."
        )
    arguments = {
        key: from_config(value["class"], value["arguments"], object) if isinstance(value, dict) else value
        for key, value in arguments.items()
    }
    try:
        return made(**arguments)
    except TypeError as error:
        raise ValueError(f"load: {name} cannot be made from {arguments}. {error}.") from None
