"""The fully connected layer, forward and backward."""

from dataclasses import dataclass

import numpy as np

from cnnbook.nn.arguments import Shape, check_initializer, check_positive
from cnnbook.nn.initializers import GlorotUniform, draw
from cnnbook.nn.layer import Layer


@dataclass(eq=False)
class Dense(Layer):
    """Every unit looks at all inputs: it weighs them, adds them up, and adds its own bias.

    out[n, u] = bias[u] + sum over d of x[n, d] kernel[d, u]              out = x @ kernel + bias

    Column u of the kernel is a template; the unit answers how well the input matches it.

    Parameters
    ----------
    units : number U of outputs.
    use_bias : add one number per unit.
    kernel_initializer : how the kernel is drawn; see `cnnbook.nn.initializers`.

    Shapes
    ------
    x (N, D) -> out (N, U); kernel (D, U); bias (U,).

    Raises
    ------
    ValueError : if units is less than 1 (constructor), if the input is not flat (build), if an input has
        another shape or dtype (forward).

    Examples
    --------
    >>> dense = Dense(units=2)
    >>> dense.build((3,), np.random.default_rng(0))
    (2,)
    >>> dense.params["kernel"][:] = [[1, 0], [2, -1], [3, 1]]
    >>> dense.params["bias"][:] = [0.5, 10]
    >>> x = np.array([[1, 2, 3]], dtype=np.float32)
    >>> dense.forward(x, training=True)       # 1*1 + 2*2 + 3*3 + .5  and  1*0 - 2*1 + 3*1 + 10
    array([[14.5, 11. ]], dtype=float32)
    >>> dense.backward(np.array([[1, 10]], dtype=np.float32))
    array([[ 1., -8., 13.]], dtype=float32)
    >>> dense.grads["kernel"]
    array([[ 1., 10.],
           [ 2., 20.],
           [ 3., 30.]], dtype=float32)

    Source: Rumelhart, Hinton and Williams (1986), equations 1, 6 and 7.
    """

    units: int
    use_bias: bool = True
    kernel_initializer: object = GlorotUniform()

    def __post_init__(self):
        self.units = check_positive(self.name, "units", self.units)
        check_initializer(self.name, "kernel_initializer", self.kernel_initializer)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise ValueError(
                f"{self.name} works on vectors of shape (features,). "
                f"Received input_shape={tuple(input_shape)}. Put Flatten() before it."
            )
        return (self.units,)

    def build(self, input_shape: Shape, rng=None, dtype=np.float32) -> Shape:
        output_shape = super().build(input_shape, rng, dtype)
        shape = (*self.input_shape, self.units)
        self.params["kernel"] = draw(self.name, self.kernel_initializer, shape, rng, dtype)
        if self.use_bias:
            self.params["bias"] = np.zeros(self.units, dtype)
        return output_shape

    def forward(self, x, *, training=False):
        x = self.check_input(x)
        out = x @ self.params["kernel"]
        if self.use_bias:
            out += self.params["bias"]
        self.remember(training, out.shape, x)
        return out

    def backward(self, dout, *, input_gradient=True):
        """The gradients of the kernel, the bias and the input.

        dkernel[d, u] = sum over n of x[n, d] dout[n, u]              dkernel = x.T @ dout
        dbias[u]      = sum over n of dout[n, u]
        dx[n, d]      = sum over u of dout[n, u] kernel[d, u]         dx = dout @ kernel.T

        Parameters
        ----------
        dout : (N, U), gradient of the loss with respect to this layer's output.
        input_gradient : False spares the work for dx, which a first layer does not need.

        Returns
        -------
        dx : (N, D), or None.
        """
        (x,) = self.recall(dout)
        self.grads["kernel"] = x.T @ dout
        if self.use_bias:
            self.grads["bias"] = dout.sum(axis=0)
        return dout @ self.params["kernel"].T if input_gradient else None
