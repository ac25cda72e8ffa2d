"""A residual connection in Keras: a functional model of an input, two ways, and an Add.

What stands on the ways is converted by the functions of `convert` that are handed in.
"""

from collections.abc import Callable

from cnnbook import nn


def residual_to_keras(layer: nn.Residual, to_keras: Callable):
    """The two ways of a residual connection and Keras' Add behind them, as one functional model."""
    from cnnbook.keras_twin import keras

    layer.hand_out()
    dtype, start = layer.dtype.name, keras.Input(layer.input_shape, dtype=layer.dtype.name)
    ways = [start, start]
    for index, inside in enumerate((layer.layers, layer.shortcut)):
        if inside:
            ways[index] = keras.Sequential(
                [keras.Input(layer.input_shape, dtype=dtype), *map(to_keras, inside)]
            )(start)
    twin = keras.Model(start, keras.layers.Add(dtype=dtype)(ways))
    if not layer.trainable:
        twin.trainable = False
    return twin


def residual_from(model, layers_from: Callable) -> nn.Residual:
    """A functional model of the shape that `to_keras(Residual(...))` makes, as a Residual, not yet built."""
    from cnnbook.keras_twin import keras

    entries = model.get_config()["layers"]
    start, end = model.layers[0], model.layers[-1]
    ways = [layer for layer in model.layers if isinstance(layer, keras.Sequential)]
    # Both ways begin at the input, and the sum takes each once, or one of them and the input itself.
    begins = [fed_by(entry) for entry in entries[1:-1]]
    summed = sorted([way.name for way in ways] + [start.name] * (len(ways) == 1))
    if (
        not isinstance(end, keras.layers.Add)
        or len(ways) not in (1, 2)
        or len(entries) != len(ways) + 2
        or begins != [[start.name]] * len(ways)
        or sorted(fed_by(entries[-1])) != summed
    ):
        raise ValueError(
            "from_keras: of functional models only a residual connection has a counterpart in cnnbook.nn: "
            f"an Add of one Sequential and of another one or the input. Received {model.name!r}. "
            "Build other models as a keras.Sequential."
        )
    ours = ([layer for part in way.layers for layer in layers_from(part)] for way in ways)
    return nn.Residual(*ours, trainable=model.trainable)


def fed_by(entry: dict) -> list[str]:
    """The names of the layers whose outputs this layer of a functional model takes, by its configuration."""
    taken = entry["inbound_nodes"][0]["args"][0] if entry["inbound_nodes"] else []
    tensors = taken if isinstance(taken, list | tuple) else [taken]
    return [tensor["config"]["keras_history"][0] for tensor in tensors]
