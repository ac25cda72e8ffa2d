"""Learning-rate schedules: how the step size changes over a run. Keras 3's formulas and names.

An optimizer takes one in place of a number, `Adam(learning_rate=CosineDecay(0.001, decay_steps=1000))`, and
asks it for the rate before every step. A schedule is called with the number of steps taken so far.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cnnbook.nn.arguments import check_number, check_positive


@dataclass(eq=False)
class PiecewiseConstantDecay:
    """Step decay: one rate up to a step, then the next.

    rate = values[0] while step <= boundaries[0], values[1] while step <= boundaries[1], ..., values[-1] after

    Parameters
    ----------
    boundaries : steps at which the rate changes, increasing. values : rates, one more than boundaries.

    Raises
    ------
    ValueError : if boundaries do not increase, or there is not one value more than boundaries.

    Examples
    --------
    >>> rate = PiecewiseConstantDecay([100, 150], [0.1, 0.01, 0.001])
    >>> [rate(step) for step in (0, 100, 101, 151)]
    [0.1, 0.1, 0.01, 0.001]

    Source: He et al. (2016a), section 4.2, for its use; keras.optimizers.schedules.PiecewiseConstantDecay.
    """

    boundaries: Sequence[int]
    values: Sequence[float]

    def __post_init__(self):
        name = type(self).__name__
        self.boundaries = [check_positive(name, "boundaries", step) for step in self.boundaries]
        self.values = [check_number(name, "values", value, "(0, inf)") for value in self.values]
        if sorted(set(self.boundaries)) != self.boundaries or len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{name}: boundaries must increase, and values must have one rate more. "
                f"Received boundaries={self.boundaries} and values={self.values}."
            )

    def __call__(self, step: int) -> float:
        return self.values[sum(step > boundary for boundary in self.boundaries)]


@dataclass(eq=False)
class CosineDecay:
    """Warm-up along a line, then half a cosine down.

    rate = initial + (target - initial) step / warmup_steps              while step < warmup_steps
    rate = top ((1 - alpha) (1 + cos(pi t / decay_steps)) / 2 + alpha)                after that

    Here t counts the steps since the warm-up and stays at decay_steps once it is there. top is the target of
    the warm-up, or without one the initial rate.

    Parameters
    ----------
    initial_learning_rate : rate of the first step. decay_steps : steps from the top to the end.
    alpha : the last rate as a share of the top. warmup_target : the rate that the warm-up climbs to; None: no
        warm-up. warmup_steps : steps of the warm-up.

    Raises
    ------
    ValueError : if a number is out of range.

    Examples
    --------
    >>> rate = CosineDecay(0.0, decay_steps=4, warmup_target=1.0, warmup_steps=2)
    >>> [round(rate(step), 3) for step in range(8)]
    [0.0, 0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]

    Source: Loshchilov and Hutter (2017), equation 5; Goyal et al. (2017), section 2.2, for the warm-up;
    keras.optimizers.schedules.CosineDecay.
    """

    initial_learning_rate: float
    decay_steps: int
    alpha: float = 0.0
    warmup_target: float | None = None
    warmup_steps: int = 0

    def __post_init__(self):
        name = type(self).__name__
        self.decay_steps = check_positive(name, "decay_steps", self.decay_steps)
        self.alpha = check_number(name, "alpha", self.alpha, "[0, 1]")
        rates = "(0, inf)" if self.warmup_target is None else "[0, inf)"
        self.initial_learning_rate = check_number(
            name, "initial_learning_rate", self.initial_learning_rate, rates
        )
        if self.warmup_target is not None:
            self.warmup_target = check_number(name, "warmup_target", self.warmup_target, "(0, inf)")
            self.warmup_steps = check_positive(name, "warmup_steps", self.warmup_steps)

    def __call__(self, step: int) -> float:
        start, top, warm = self.initial_learning_rate, self.warmup_target, self.warmup_steps
        if top is None:
            top, warm = start, 0
        if step < warm:
            return start + (top - start) * step / warm
        t = min(step - warm, self.decay_steps)
        cosine = (1 + math.cos(math.pi * t / self.decay_steps)) / 2
        return top * ((1 - self.alpha) * cosine + self.alpha)
