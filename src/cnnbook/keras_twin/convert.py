"""Our network -> Keras' network with the same weights, and back.

It takes so little code because names, arguments, shapes and the order of weights are Keras' own throughout
the book. What Keras has and we do not is refused by name, so that no setting is lost silently.
"""

import dataclasses

from cnnbook import nn
from cnnbook.keras_twin.residual import residual_from, residual_to_keras
from cnnbook.nn.layer import Layer
from cnnbook.nn.losses import Loss
from cnnbook.nn.optimizers import Optimizer
from cnnbook.nn.schedules import CosineDecay, PiecewiseConstantDecay

# What Keras names by a string is a layer of its own here.
ACTIVATIONS = {
    "linear": [],
    "relu": [nn.ReLU],
    "leaky_relu": [lambda: nn.LeakyReLU(negative_slope=0.2)],
    "sigmoid": [nn.Sigmoid],
    "tanh": [nn.Tanh],
    "softmax": [nn.Softmax],
}


def to_keras(part, *, dtype=None):
    """The Keras object that computes the same as `part`, with a copy of its weights.

    Parameters
    ----------
    part : a built layer or Sequential of `cnnbook.nn`, or an initializer, a loss or an optimizer.
    dtype : of a loss only: Keras' losses compute in float32, whatever they get, if no dtype is given.

    Returns
    -------
    the Keras object of the same name: a layer built for the same input shape and dtype, a keras.Sequential, a
    loss (SoftmaxCrossEntropy becomes SparseCategoricalCrossentropy(from_logits=True)), or a fresh optimizer
    with the same settings.

    Raises
    ------
    RuntimeError : when a layer or a model has not been built.
    ValueError : if the class is your own: Keras cannot know its formulas.

    Examples
    --------
    >>> from cnnbook.nn import Conv2D
    >>> conv = Conv2D(8, (3, 2), padding="same")
    >>> conv.build((28, 28, 1), np.random.default_rng(0))
    (28, 28, 8)
    >>> twin = to_keras(conv)
    >>> [w.shape for w in twin.get_weights()]
    [(3, 2, 1, 8), (8,)]
    """
    from cnnbook.keras_twin import keras

    kind = type(part)
    if getattr(nn, kind.__name__, None) is not kind:
        raise ValueError(
            f"to_keras knows the classes of cnnbook.nn. Received a {kind.__name__}. "
            "Write its Keras twin as a class, as cnnbook.keras_twin.layers does."
        )
    if isinstance(part, nn.Sequential):
        check_built(part, "Sequential", "build(input_shape, seed)")
        start = keras.Input(part.input_shape, dtype=part.dtype.name)
        return keras.Sequential([start, *map(to_keras, part.layers)])
    if isinstance(part, Layer):
        return layer_to_keras(part, kind)
    if isinstance(part, Loss):
        names = {"SoftmaxCrossEntropy": ("SparseCategoricalCrossentropy", {"from_logits": True})}
        name, settings = names.get(kind.__name__, (kind.__name__, {}))
        return getattr(keras.losses, name)(**settings, dtype=dtype)
    room = keras.initializers
    if isinstance(part, Optimizer):
        room = keras.optimizers
    elif isinstance(part, CosineDecay | PiecewiseConstantDecay):
        room = keras.optimizers.schedules
    return getattr(room, kind.__name__)(**arguments(part, kind))


def layer_to_keras(layer: Layer, kind: type):
    """The twin of a built layer, taken as one of class `kind`: its own, or the one it is meant to equal."""
    from cnnbook.keras_twin import frames, keras

    check_built(layer, layer.name, "build(input_shape, rng)")
    if kind is nn.Residual:
        return residual_to_keras(layer, to_keras)
    settings = arguments(layer, kind) | {"dtype": layer.dtype.name}
    if hasattr(keras.layers, kind.__name__):
        twin = getattr(keras.layers, kind.__name__)(**settings)
    elif hasattr(frames, kind.__name__):
        twin = getattr(frames, kind.__name__)(**settings)
    else:
        twin = keras.layers.Activation(kind.__name__.lower(), **settings)
    twin.build((None, *layer.input_shape))
    twin.set_weights(list(layer.weights().values()))
    return twin


def from_keras(part):
    """Our layer or Sequential that computes the same as Keras' `part`, with a copy of its weights.

    Parameters
    ----------
    part : a built keras layer, a built keras.Sequential, or an initializer, made of what `cnnbook.nn` has.

    Returns
    -------
    our layer, initializer or built Sequential. A layer with an activation of its own, such as
    Dense(10, activation="relu"), becomes two layers, so a Sequential. A single layer is built if it has
    weights; one without needs no building.

    Raises
    ------
    RuntimeError : when `part` has not been built.
    ValueError : if a class or an argument has no counterpart in `cnnbook.nn`; it is named.

    Examples
    --------
    >>> from cnnbook.keras_twin import keras
    >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu")])
    >>> from_keras(model).summary()
       layer                    output shape             params
    0  Dense                    (N, 3)                       15
    1  ReLU                     (N, 3)                        0
    Total params: 15
    Trainable params: 15
    Non-trainable params: 0
    """
    from cnnbook.keras_twin import keras

    if isinstance(part, keras.initializers.Initializer):
        return counterpart(part, part.get_config())
    if not isinstance(part, keras.layers.Layer):
        raise ValueError(
            "from_keras takes a keras layer, keras.Sequential or initializer. "
            f"Received a {type(part).__name__}."
        )
    if not part.built:
        raise RuntimeError(
            f"{type(part).__name__} {part.name!r} has no weights to hand over. "
            "Call build(input_shape) before from_keras."
        )
    is_model = isinstance(part, keras.Sequential)
    pieces = [(layer, layers_from(layer)) for layer in (part.layers if is_model else [part])]
    layers = [layer for _, ours in pieces for layer in ours]
    if not layers:
        refuse(part, "activation", "linear", "It changes nothing: leave it away.")
    if not is_model and not part.weights:
        return layers[0]
    shape = part.input_shape if isinstance(part, keras.Model) else part.get_build_config()["input_shape"]
    model = nn.Sequential(layers)
    model.build(tuple(shape[1:]), dtype=common_dtype(layer for layer, _ in pieces))
    for theirs, ours in pieces:
        for array, weight in zip(weights_of(ours), theirs.get_weights(), strict=True):
            array[...] = weight
    return model if is_model or len(layers) > 1 else layers[0]


def layers_from(layer) -> list[Layer]:
    """One Keras layer as our layers, not yet built: itself and the activation it carries, if any."""
    from cnnbook.keras_twin import keras

    if isinstance(layer, keras.Model):
        return [residual_from(layer, layers_from)]
    config = layer.get_config()
    activation = config.pop("activation", "linear")
    if activation not in ACTIVATIONS:
        refuse(layer, "activation", activation, f"Use one of {', '.join(ACTIVATIONS)}.")
    after = [make() for make in ACTIVATIONS[activation]]
    if type(layer).__name__ == "Activation":
        return after
    return [counterpart(layer, config), *after]


def counterpart(part, config: dict):
    """Our object of the same name with the same arguments; every other argument must have Keras' default."""
    kind = getattr(nn, type(part).__name__, None)
    if not dataclasses.is_dataclass(kind) or kind is nn.Sequential:
        raise ValueError(
            f"from_keras: {type(part).__name__} has no counterpart in cnnbook.nn. "
            "Replace it by layers that cnnbook.nn has, or write it as a Layer of your own."
        )
    known = {f.name: config[f.name] for f in dataclasses.fields(kind) if f.init and f.name in config}
    plain = type(part)(**known).get_config()
    for name, default in plain.items():
        plain_or_listed = default, [default]  # a built keras.layers.LayerNormalization lists its one axis
        if (
            name not in {*known, "name", "dtype", "seed", "activation"}
            and config[name] not in plain_or_listed
        ):
            refuse(part, name, config[name], f"Use {name}={default!r}.")
    own = {name: getattr(part, name) for name in known if name.endswith("_initializer")}
    return kind(**known | {name: counterpart(init, init.get_config()) for name, init in own.items()})


def refuse(part, name, value, advice):
    raise ValueError(
        f"from_keras: {type(part).__name__}({name}={value!r}) has no counterpart in cnnbook.nn. {advice}"
    )


def arguments(part, kind: type) -> dict:
    """What the constructor of `kind` takes, as `part` has it, with initializers made Keras'."""
    values = {field.name: getattr(part, field.name) for field in dataclasses.fields(kind) if field.init}
    return {
        name: to_keras(value) if dataclasses.is_dataclass(value) else value for name, value in values.items()
    }


def weights_of(layers: list[Layer]):
    """All arrays of these layers, in Keras' order."""
    for layer in layers:
        yield from layer.weights().values()


def common_dtype(layers) -> str:
    """The one dtype in which these Keras layers compute and keep weights, or a refusal."""
    leaves = [leaf for layer in layers for leaf in getattr(layer, "layers", [layer])]
    dtypes = sorted({name for layer in leaves for name in (layer.compute_dtype, layer.variable_dtype)})
    if dtypes in (["float32"], ["float64"]):
        return dtypes[0]
    raise ValueError(
        f"from_keras: all layers must compute in float32, or all in float64. Received {', '.join(dtypes)}."
    )


def check_built(part, name: str, call: str) -> None:
    """Refuse a layer or model whose weights do not exist yet."""
    if part.input_shape is None:
        raise RuntimeError(f"{name} has no weights to hand over. Call {call} before to_keras.")
