"""A network in a file: its layers as text, its weights as arrays, and nothing that runs when it is read."""

import dataclasses
import io
import json
import os
import zipfile
import zlib
from typing import Any

import numpy as np

from cnnbook.files import atomic_write
from cnnbook.nn import (
    activations,
    batchnorm,
    conv,
    dense,
    depthwise,
    dropout,
    initializers,
    normalization,
    padding,
    pooling,
    reshape,
    residual,
    separable,
    transpose,
    upsampling,
)
from cnnbook.nn.layer import Array, Layer
from cnnbook.nn.sequential import Sequential

SAVED_VERSION = 1
PLAIN = bool | int | float | str | list | tuple | None  # what JSON holds as it is


# What a saved model may be made of: the layers and initializers of these modules, by name.
MODULES = (
    activations,
    batchnorm,
    conv,
    dense,
    depthwise,
    dropout,
    initializers,
    normalization,
    padding,
    pooling,
    reshape,
    residual,
    separable,
    transpose,
    upsampling,
)
CLASSES = {
    name: kind
    for module in MODULES
    for name, kind in vars(module).items()
    if isinstance(kind, type) and kind.__module__ == module.__name__ and not name.startswith("_")
}


def save(model: Sequential, path: str | os.PathLike) -> None:
    """Write a built model's layers and weights to an npz file, whole or not at all; `load` brings them back.

    The file holds arrays and one JSON text, no pickled objects. The optimizer's memory and the state of
    random generators are not part of it.

    Raises
    ------
    RuntimeError : if the model is not built.
    ValueError : if `load` could not make a layer or an initializer again.
    OSError : if the file cannot be written; nothing has changed then.

    Examples
    --------
    See `load`.
    """
    model.check_built("save")
    config = {
        "version": SAVED_VERSION,
        "input_shape": model.input_shape,
        "dtype": str(model.dtype),
        "layers": [to_config(layer) for layer in model.layers],
    }
    file = io.BytesIO()
    np.savez(file, config=json.dumps(config), **model.weights())
    atomic_write(path, file.getvalue())


def load(path: str | os.PathLike) -> Sequential:
    """The network that `save(model, path)` wrote: the same layers with the same weights.

    Only classes of `cnnbook.nn` are made, so a file from anywhere can do no more than fail to load.

    Raises
    ------
    ValueError : if the file is damaged, foreign or of another version, if it names an unknown class, or if
        its arrays do not fit its layers.
    FileNotFoundError : if there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from cnnbook.nn import Dense
    >>> model = Sequential([Dense(3)])
    >>> model.build((4,), seed=7)
    (3,)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(model, f"{folder}/model.npz")
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
            f"load: {path} must hold a model written by nn.save. It is an npz file of something else."
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
    """All arrays of an npz file; nothing is unpickled. Raises ValueError if it is no complete npz file."""
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
    if CLASSES.get(type(part).__name__) is not type(part):
        raise ValueError(
            "save: layers and initializers must be classes of cnnbook.nn, which `load` can make again. "
            f"Received {part!r} of {type(part).__module__}. Keep this model's `weights()` with np.savez."
        )
    arguments = {f.name: getattr(part, f.name) for f in dataclasses.fields(part) if f.init}
    return {
        "class": type(part).__name__,
        "arguments": {name: value_config(value) for name, value in arguments.items()},
    }


def value_config(value: Any) -> Any:
    """An argument as what JSON can hold: plain as it is, a layer or an initializer by `to_config`."""
    if isinstance(value, list) and any(isinstance(part, Layer) for part in value):
        return [to_config(part) for part in value]
    return value if isinstance(value, PLAIN) else to_config(value)


def from_config(name: str, arguments: dict[str, Any], kind: type) -> Any:
    """The layer or initializer that `to_config` described; nothing but public classes of `cnnbook.nn`.

    >>> from_config("Dense", {"units": 3}, Layer)
    Dense(units=3, use_bias=True, kernel_initializer=GlorotUniform())
    """
    made = CLASSES.get(name)
    if made is None or not issubclass(made, kind):
        raise ValueError(
            f"load: layers and initializers must be classes of cnnbook.nn. Received class {name!r}. "
            "Build this model in code and copy its arrays."
        )
    arguments = {key: from_value(value) for key, value in arguments.items()}
    try:
        return made(**arguments)
    except TypeError as error:
        raise ValueError(f"load: {name} cannot be made from {arguments}. {error}.") from None


def from_value(value: Any) -> Any:
    """The argument that `value_config` described."""
    if isinstance(value, list):
        return [from_value(part) for part in value]
    return from_config(value["class"], value["arguments"], object) if isinstance(value, dict) else value
