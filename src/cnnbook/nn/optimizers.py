"""Optimizers: how a gradient becomes a step. Keras 3's formulas, names and defaults.

An optimizer never keeps a model. It walks through `model.parameters()`, which yields (name, param, grad), and
writes into each param; what it remembers between steps it keeps under the parameter's name.
In the formulas g is the gradient, eta the learning rate, and the rhos are decay rates.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from cnnbook.nn.arguments import check_number

Array = np.ndarray


@dataclass(eq=False, repr=False)
class Optimizer:
    """What the optimizers share: one step for all parameters, and a memory for each.

    g <- g min(1, clipnorm / |g|)                  clipping, if asked for; |g| is the length of g
    param <- param - eta weight_decay param        decoupled weight decay, if asked for
    param <- param + change(g)                     the optimizer's own formula

    An optimizer of your own overrides `change`; its current step size is `self.rate`.

    Parameters
    ----------
    learning_rate : eta, a number, or a schedule of `cnnbook.nn.schedules`: a function from the number of
        steps taken to a number.
    weight_decay : share of every parameter that a step with eta = 1 takes away. It does not pass through the
        gradient. clipnorm : longest gradient of one parameter. global_clipnorm : longest gradient of all
        parameters together. None: none of it.

    Attributes
    ----------
    iterations : steps taken so far.
    memory : what is remembered between steps, by "parameter name, what it is".
    trained : which array each parameter name meant, so that a step on another model is noticed.

    Raises
    ------
    ValueError : if a number is out of range (constructor) or a gradient changed its shape (change).
    RuntimeError : if a step finds no gradients, or another model than before.

    Examples
    --------
    >>> class SignDescent(Optimizer):
    ...     def change(self, name, grad):
    ...         return -self.rate * np.sign(grad)
    >>> SignDescent(learning_rate=0.5).change("0/kernel", np.array([3.0, -0.1]))
    array([-0.5,  0.5])
    """

    learning_rate: float | Callable[[int], float]
    weight_decay: float | None = field(default=None, kw_only=True)
    clipnorm: float | None = field(default=None, kw_only=True)
    global_clipnorm: float | None = field(default=None, kw_only=True)
    iterations: int = field(init=False, default=0)
    memory: dict[str, Array] = field(init=False, default_factory=dict)
    trained: dict[str, weakref.ref] = field(init=False, default_factory=dict)

    def __post_init__(self):
        if not callable(self.learning_rate):
            self.learning_rate = check_number(self.name, "learning_rate", self.learning_rate, "(0, inf)")
        for name in ("weight_decay", "clipnorm", "global_clipnorm"):
            if getattr(self, name) is not None:
                setattr(self, name, check_number(self.name, name, getattr(self, name), "(0, inf)"))
        if self.clipnorm is not None and self.global_clipnorm is not None:
            raise ValueError(
                f"{self.name} clips each gradient or all together, so at most one of clipnorm and "
                f"global_clipnorm may be given. Received {self.clipnorm} and {self.global_clipnorm}."
            )

    def __repr__(self):
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        told = ", ".join(f"{name}={value!r}" for name, value in values.items() if value is not None)
        return f"{self.name}({told})"

    @property
    def name(self) -> str:
        """The class name, as it stands in error messages."""
        return type(self).__name__

    @property
    def rate(self) -> float:
        """eta of the step being taken, or of the last one taken; before any, of the first."""
        if not callable(self.learning_rate):
            return self.learning_rate
        return self.learning_rate(max(self.iterations - 1, 0))

    def step(self, model) -> None:
        """Change every trainable parameter of the model once, in place, along its current gradient."""
        parameters = list(model.parameters())
        for name, param, grad in parameters:
            if grad is None:
                raise RuntimeError(
                    f"{self.name}.step: {name} has no gradient yet. Call model.backward before every step."
                )
            if self.trained.setdefault(name, weakref.ref(param))() is not param:
                raise RuntimeError(
                    f"{self.name}.step: an optimizer serves one model, whose past steps it remembers. "
                    f"Received another {name} than before. Make a new optimizer for a new model."
                )
        self.iterations += 1
        scales = self.clipping([grad for _, _, grad in parameters])
        for (name, param, grad), scale in zip(parameters, scales, strict=True):
            if self.weight_decay is not None:
                param -= self.rate * self.weight_decay * param
            param += self.change(name, grad if scale == 1 else grad * scale)

    def clipping(self, grads: list[Array]) -> list[float]:
        """What each gradient is multiplied by so that none is too long: 1 where nothing is to be clipped.

        >>> SGD(0.1, clipnorm=5).clipping([np.array([6.0, 8.0]), np.array([1.0])])
        [0.5, 1.0]
        >>> SGD(0.1, global_clipnorm=5).clipping([np.array([6.0]), np.array([8.0])])
        [0.5, 0.5]
        """
        if self.clipnorm is None and self.global_clipnorm is None:
            return [1.0] * len(grads)
        squares = [float(np.square(grad, dtype=np.float64).sum()) for grad in grads]
        if self.clipnorm is not None:
            return [min(1.0, self.clipnorm / max(square**0.5, 1e-300)) for square in squares]
        return [min(1.0, self.global_clipnorm / max(sum(squares) ** 0.5, 1e-300))] * len(grads)

    def change(self, name: str, grad: Array) -> Array:
        """What is added to the parameter `name` for the gradient `grad`."""
        raise NotImplementedError(f"{self.name} must define change.")

    def remembered(self, name: str, what: str, grad: Array) -> Array:
        """The array remembered as `what` for the parameter `name`: zeros at first. Change it in place."""
        key = f"{name}, {what}"
        if key not in self.memory:
            self.memory[key] = np.zeros_like(grad)
        kept = self.memory[key]
        if kept.shape != grad.shape or kept.dtype != grad.dtype:
            raise ValueError(
                f"{self.name} remembers a {what} of shape {kept.shape} and dtype {kept.dtype} for {name}. "
                f"Received a gradient of shape {grad.shape} and dtype {grad.dtype}. "
                "Use a new optimizer for a new model."
            )
        return kept


@dataclass(eq=False, repr=False)
class SGD(Optimizer):
    """Step downhill, with or without momentum.

    plain      change   = - eta g
    momentum   velocity = momentum velocity - eta g            change = velocity
    nesterov   velocity as with momentum                       change = momentum velocity - eta g

    Parameters
    ----------
    learning_rate : eta. momentum : share of the velocity that stays. nesterov : look one step ahead.

    Examples
    --------
    >>> sgd = SGD(learning_rate=0.1, momentum=0.5)
    >>> for _ in range(3):                    # -.1, then -.05 - .1, then -.075 - .1
    ...     print(sgd.change("w", np.array([1.0])))
    [-0.1]
    [-0.15]
    [-0.175]

    Source: Polyak (1964); Sutskever et al. (2013), equations 1 to 4; keras.optimizers.SGD.
    """

    learning_rate: float | Callable[[int], float] = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.momentum = check_number(self.name, "momentum", self.momentum, "[0, 1]")

    def change(self, name, grad):
        downhill = -self.rate * grad
        if not self.momentum:
            return downhill
        velocity = self.remembered(name, "velocity", grad)
        velocity *= self.momentum
        velocity += downhill
        return self.momentum * velocity + downhill if self.nesterov else velocity


@dataclass(eq=False, repr=False)
class RMSprop(Optimizer):
    """Divide each gradient by the root of its recent mean square, so that all parameters move alike.

    mean_square = rho mean_square + (1 - rho) g^2
    change      = - eta g / sqrt(mean_square + epsilon)

    centered    subtracts mean^2 under the root, where mean = rho mean + (1 - rho) g
    momentum    velocity = momentum velocity + change          change = velocity

    Parameters
    ----------
    learning_rate : eta. rho : share of the mean square that stays. momentum : share of the velocity that
        stays. epsilon : keeps the root away from 0. centered : divide by the deviation, not the mean square.

    Examples
    --------
    >>> RMSprop(learning_rate=0.1, epsilon=1e-12).change("w", np.array([4.0, -0.01])).round(4)  # .1/sqrt(.1)
    array([-0.3162,  0.3162])

    Source: Tieleman and Hinton (2012), lecture 6.5; Graves (2013), equations 38 to 45;
    keras.optimizers.RMSprop.
    """

    learning_rate: float | Callable[[int], float] = 0.001
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False

    def __post_init__(self):
        super().__post_init__()
        self.rho = check_number(self.name, "rho", self.rho, "[0, 1)")
        self.momentum = check_number(self.name, "momentum", self.momentum, "[0, 1]")
        self.epsilon = check_number(self.name, "epsilon", self.epsilon, "(0, inf)")

    def change(self, name, grad):
        mean_square = self.remembered(name, "mean_square", grad)
        mean_square *= self.rho
        mean_square += (1 - self.rho) * grad * grad
        spread = mean_square
        if self.centered:
            mean = self.remembered(name, "mean", grad)
            mean *= self.rho
            mean += (1 - self.rho) * grad
            spread = mean_square - mean * mean
        change = -self.rate * grad / np.sqrt(spread + self.epsilon)
        if not self.momentum:
            return change
        velocity = self.remembered(name, "velocity", grad)
        velocity *= self.momentum
        velocity += change
        return velocity


@dataclass(eq=False, repr=False)
class Adam(Optimizer):
    """Momentum and RMSprop together, corrected for having started from zero.

    mean        = rho_1 mean + (1 - rho_1) g
    mean_square = rho_2 mean_square + (1 - rho_2) g^2
    change      = - eta sqrt(1 - rho_2^t) / (1 - rho_1^t)  mean / (sqrt(mean_square) + epsilon)      at step t

    Parameters
    ----------
    learning_rate : eta. beta_1, beta_2 : Keras' names for rho_1 and rho_2. epsilon : keeps the quotient
        finite.

    Examples
    --------
    The first step has the length eta, whatever the gradient's size:

    >>> adam = Adam(learning_rate=0.1, epsilon=1e-12)
    >>> adam.iterations = 1
    >>> adam.change("w", np.array([4.0, -0.01])).round(4)
    array([-0.1,  0.1])

    Source: Kingma and Ba (2015), just before section 2.1 for the order of the corrections;
    keras.optimizers.Adam.
    """

    learning_rate: float | Callable[[int], float] = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7

    def __post_init__(self):
        super().__post_init__()
        self.beta_1 = check_number(self.name, "beta_1", self.beta_1, "[0, 1)")
        self.beta_2 = check_number(self.name, "beta_2", self.beta_2, "[0, 1)")
        self.epsilon = check_number(self.name, "epsilon", self.epsilon, "(0, inf)")

    def change(self, name, grad):
        mean = self.remembered(name, "mean", grad)
        mean += (1 - self.beta_1) * (grad - mean)
        mean_square = self.remembered(name, "mean_square", grad)
        mean_square += (1 - self.beta_2) * (grad * grad - mean_square)
        correction = (1 - self.beta_2**self.iterations) ** 0.5
        correction /= 1 - self.beta_1**self.iterations
        step = self.rate * correction * mean
        return -step / (np.sqrt(mean_square) + self.epsilon)


@dataclass(eq=False, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay: every step also takes a share of each parameter away.

    param <- param - eta weight_decay param + Adam's change

    An L2 penalty would add 2 lambda param to g, and Adam would divide it by the root of the mean square like
    the rest of g: weights with large gradients would shrink less. Here all shrink by the same share.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : as Adam. weight_decay : share taken away per step, times eta.

    Examples
    --------
    >>> from cnnbook.nn import Dense, Sequential
    >>> model = Sequential([Dense(1, use_bias=False)])
    >>> model.build((1,))
    (1,)
    >>> kernel = model.layers[0].params["kernel"]
    >>> kernel[:] = 2
    >>> model.layers[0].grads["kernel"] = np.zeros((1, 1), np.float32)
    >>> AdamW(learning_rate=0.1, weight_decay=0.5).step(model)       # 2 - .1 * .5 * 2, and no gradient
    >>> kernel
    array([[1.9]], dtype=float32)

    Source: Loshchilov and Hutter (2019), algorithm 2; keras.optimizers.AdamW.
    """

    weight_decay: float | None = field(default=0.004, kw_only=True)
