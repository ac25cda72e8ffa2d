"""The residual connection: a way around some layers, and a sum where the two ways come together."""

from dataclasses import dataclass, field

import numpy as np

from cnnbook.nn.arguments import Shape, check_rng
from cnnbook.nn.layer import Array, Layer
from cnnbook.nn.sequential import Sequential


@dataclass(eq=False)
class Residual(Layer):
    """Add a way around some layers: the input goes through them and past them, and the two are summed.

    out = layers(x) + shortcut(x)          dx = layers' dx + shortcut's dx

    The shortcut is x itself where none is given. A sum copies its gradient to both of its terms, so `dout`
    goes back through both ways unchanged, and their gradients with respect to x are added: x was used twice.

    The layers' arrays stand in `params`, `grads` and `state` under the way and the place of their layer, such
    as "layers/0/kernel" or "shortcut/1/gamma". `trainable` holds for all layers inside: setting it sets
    theirs.

    Parameters
    ----------
    layers : list of layers, one after the other.
    shortcut : list of layers for the other way, such as [Conv2D(32, 1, strides=2)] where `layers` change the
        shape; an empty list leaves x as it is.

    Shapes
    ------
    x (N, ...) -> out of the shape that `layers` and `shortcut` both return.

    Raises
    ------
    ValueError : if something is no layer or a layer is used twice (constructor), if the two ways return
        different shapes (build).

    Examples
    --------
    >>> from cnnbook.nn import Dense, Zeros
    >>> block = Residual([Dense(2, kernel_initializer=Zeros())])
    >>> block.build((2,), np.random.default_rng(0))
    (2,)
    >>> block.forward(np.array([[3, 4]], np.float32), training=True)          # the layers add 0 to x
    array([[3., 4.]], dtype=float32)
    >>> block.backward(np.array([[5, 6]], np.float32))                   # past the layers: 1 times dout
    array([[5., 6.]], dtype=float32)
    >>> {name: grad.tolist() for name, grad in block.grads.items()}
    {'layers/0/kernel': [[15.0, 18.0], [20.0, 24.0]], 'layers/0/bias': [5.0, 6.0]}

    Source: He et al. (2016a), equations 1 and 2; He et al. (2016b) for the gradient; keras.layers.Add.
    """

    layers: list[Layer]
    shortcut: list[Layer] = field(default_factory=list)

    def __post_init__(self):
        self.layers, self.shortcut = list(self.layers), list(self.shortcut)
        Sequential([*self.layers, *self.shortcut])  # refuses what is no layer, or the same layer twice
        self._ways = {"layers": Sequential(self.layers)}
        if self.shortcut:
            self._ways["shortcut"] = Sequential(self.shortcut)
        if not self.trainable:
            self.trainable = False  # now that there are layers to freeze

    @property
    def trainable(self) -> bool:
        """False freezes all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        for layer in [*getattr(self, "layers", ()), *getattr(self, "shortcut", ())]:
            layer.trainable = value

    def output_shape(self, input_shape: Shape) -> Shape:
        shapes = {"shortcut": tuple(input_shape)}
        for way, inside in self._ways.items():
            shapes[way] = inside.output_shape(input_shape)
        if shapes["layers"] != shapes["shortcut"]:
            raise ValueError(
                f"{self.name} adds what its layers and its shortcut return, so both must return one shape. "
                f"Received {shapes['layers']} from layers and {shapes['shortcut']} from shortcut. "
                "Put a Conv2D with kernel_size=1 and the same filters and strides into shortcut."
            )
        return shapes["layers"]

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        for inside in self._ways.values():
            inside.build(self.input_shape, check_rng(self.name, rng), dtype)
        self.params, self.state = self._collect("params"), self._collect("state")
        return output_shape

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        self.hand_out()
        out = self._ways["layers"].forward(x, training=training)
        around = self._ways["shortcut"].forward(x, training=training) if self.shortcut else x
        if training:
            self.state = self._collect("state")
        self.remember(training, out.shape)
        return out + around

    def backward(self, dout, *, input_gradient=True):
        """Send `dout` back through both ways, and add up what they return.

        Parameters
        ----------
        dout : gradient of the loss with respect to the sum, in its shape.

        Returns
        -------
        dx : in the shape of x, or None.
        """
        self.recall(dout)
        ways = [way.backward(dout, input_gradient=input_gradient) for way in self._ways.values()]
        self.grads = self._collect("grads")
        if not input_gradient:
            return None
        return ways[0] + (ways[1] if self.shortcut else dout)

    def forget(self) -> None:
        super().forget()
        for inside in self._ways.values():
            inside.forget()

    def learned(self) -> dict[str, Array]:
        self.hand_out()
        return self._named(Layer.learned)

    def weights(self) -> dict[str, Array]:
        self.hand_out()
        return self._named(Layer.weights)

    def _named(self, arrays) -> dict[str, Array]:
        """What `arrays(layer)` names in every layer inside, under the layer's way and place."""
        return {
            f"{way}/{index}/{name}": array
            for way in self._ways
            for index, layer in enumerate(getattr(self, way))
            for name, array in arrays(layer).items()
        }

    def _collect(self, kind: str) -> dict[str, Array]:
        return self._named(lambda layer: getattr(layer, kind))

    def hand_out(self) -> None:
        """Give every layer inside the arrays that stand here: who replaces one here has replaced it there."""
        for way, inside in self._ways.items():
            inside.dtype = self.dtype
            for index, layer in enumerate(inside.layers):
                layer.dtype = self.dtype
                for mine, theirs in ((self.params, layer.params), (self.state, layer.state)):
                    theirs.update({name: mine[f"{way}/{index}/{name}"] for name in theirs})
