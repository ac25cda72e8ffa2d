"""How large a gradient arrives at each layer of a deep network, and the chain rule on a graph of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .base import BookWidget
from .chance import normals
from .values import captioned, check_choice, check_flag, check_number, check_whole, text

UNITS, BATCH, EPSILON, STEPS = 36, 16, 0.001, 12
INITS = {
    "one": ("std 1", 1.0),
    "window": ("randn/k²", 1 / 9),
    "glorot": ("Glorot", np.sqrt(2 / (UNITS + UNITS))),
    "he": ("He", np.sqrt(2 / UNITS)),
}


def sigmoid(z):
    """1 / (1 + exp(-z)), from the side on which nothing overflows."""
    return np.exp(-np.logaddexp(0, -z))


ACTIVATIONS = {
    "relu": ("ReLU", lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "tanh": ("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": ("sigmoid", sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "linear": ("no activation", lambda z: z, lambda z: np.ones_like(z)),
}
CHOICES = {"view": ("depth", "graph"), "init": tuple(INITS), "activation": tuple(ACTIVATIONS)}
WHOLE = {"depth": (2, 24), "seed": (0, 999), "step": (0, STEPS - 1)}


class GradientFlow(BookWidget):
    """Watch a gradient go back through a deep network, and through a small graph number by number.

    The network is a row of dense layers, each from 36 numbers to 36: as many as a 3x3 window over 4 channels
    holds. "randn/k²" is standard normal numbers divided by 9. The same random numbers serve every start.

    Parameters
    ----------
    id : str
        Name of the figure, unique on its page. ``<a href="#flow:init=window,depth=20">`` drives it.
    view : "depth" or "graph"
        The gradient of every layer, or the chain rule on L = (act(w x + b) + x - t)².
    init : "one", "window", "glorot" or "he"
        How the weights start: standard deviation 1, randn/k², Glorot's or He's.
    activation : "relu", "tanh", "sigmoid" or "linear"
    batchnorm : bool
        Batch normalisation before every activation.
    depth : int
        2 to 24 layers.
    seed : int
        0 to 999, of the random numbers.
    x, w, b, t : float
        The numbers of the graph.
    step : int
        The step of the graph shown, 0 to 11: five forward, seven backward.

    Raises
    ------
    ValueError
        If a value cannot be drawn.

    Examples
    --------
    >>> flow = GradientFlow(id="flow", init="window", depth=20)
    >>> lengths = flow.lengths()
    >>> bool(lengths[0] < 1e-5 * lengths[-1])
    True
    >>> flow.init = "he"
    >>> bool(0.1 < flow.lengths()[0] / flow.lengths()[-1] < 10)
    True
    """

    tag = "gradient-flow"
    script = "gradient_flow.js"
    state = ("view", "init", "activation", "batchnorm", "depth", "seed", "x", "w", "b", "t", "step")

    view = traitlets.Any("depth").tag(sync=True)
    init = traitlets.Any("he").tag(sync=True)
    activation = traitlets.Any("relu").tag(sync=True)
    batchnorm = traitlets.Any(False).tag(sync=True)
    depth = traitlets.Any(12).tag(sync=True)
    seed = traitlets.Any(0).tag(sync=True)
    x = traitlets.Any(2).tag(sync=True)
    w = traitlets.Any(3).tag(sync=True)
    b = traitlets.Any(-4).tag(sync=True)
    t = traitlets.Any(1).tag(sync=True)
    step = traitlets.Any(0).tag(sync=True)

    @traitlets.validate(*state)
    def _check(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name in CHOICES:
            return check_choice("GradientFlow", name, value, CHOICES[name])
        if name == "batchnorm":
            return check_flag("GradientFlow", name, value)
        if name in WHOLE:
            return check_whole("GradientFlow", name, value, *WHOLE[name])
        return check_number("GradientFlow", name, value)

    def lengths(self, init: str | None = None) -> np.ndarray:
        """Compute how long the gradient is that arrives at each layer's outputs.

        Parameters
        ----------
        init : str, optional
            As the parameter of the class; default: its own.

        Returns
        -------
        array of shape (depth,)
            The root of the sum of squares, first layer first.
        """
        _, act, slope = ACTIVATIONS[self.activation]
        scale = INITS[init or self.init][1]
        out, kept = normals(self.seed, BATCH * UNITS).reshape(BATCH, UNITS), []
        for layer in range(self.depth):
            weights = normals(self.seed + 1000 + layer, UNITS * UNITS).reshape(UNITS, UNITS) * scale
            z, inverse = out @ weights, None
            if self.batchnorm:
                inverse = 1 / np.sqrt(z.var(axis=0) + EPSILON)
                z = (z - z.mean(axis=0)) * inverse
            kept.append((z, inverse, weights))
            out = act(z)
        d = normals(self.seed + 2000, BATCH * UNITS).reshape(BATCH, UNITS) / BATCH
        lengths = []
        for z, inverse, weights in reversed(kept):
            lengths.append(np.linalg.norm(d))
            d = d * slope(z)
            if inverse is not None:
                d = inverse * (d - d.mean(axis=0) - z * (d * z).mean(axis=0))
            d = d @ weights.T
        return np.array(lengths[::-1])

    def chain(self) -> dict[str, float]:
        """Compute the graph: its values forward, then its gradients backward, in the order of the steps."""
        _, act, slope = ACTIVATIONS[self.activation]
        a = self.w * self.x
        z = a + self.b
        y = float(act(np.float64(z)))
        s = y + self.x
        ds = 2 * (s - self.t)
        dz = ds * float(slope(np.float64(z)))
        forward = {"a": a, "z": z, "y": y, "s": s, "L": (s - self.t) ** 2}
        return forward | {
            "ds": ds,
            "dy": ds,
            "dz": dz,
            "db": dz,
            "da": dz,
            "dw": dz * self.x,
            "dx": dz * self.w + ds,
        }

    def sentence(self) -> str:
        """Say what the figure shows."""
        if self.view == "graph":
            shown = list(self.chain().items())[: self.step + 1]
            return ", ".join(f"{name} = {text(value)}" for name, value in shown)
        lengths = self.lengths()
        first, last = (float(f"{lengths[k]:.4g}") for k in (0, -1))
        norm = "with" if self.batchnorm else "without"
        names = f"{INITS[self.init][0]}, {ACTIVATIONS[self.activation][0]}"
        head = f"{names}, {norm} batch norm, {self.depth} layers"
        ratio = first / last if last else 0.0
        return f"{head}: gradient at the first layer / at the last = {first:g} / {last:g} = {text(ratio)}"

    def picture(self) -> str:
        """Draw the gradients of every start through depth, or the graph's numbers, with a caption."""
        drawing, width, height = self._graph() if self.view == "graph" else self._depth()
        start = "A graph of numbers, one after the other: " if self.view == "graph" else ""
        return captioned(drawing, f"-2 -2 {width} {height}", f"{start}{self.sentence()}.")

    def _depth(self) -> tuple[str, int, int]:
        every = {name: np.log10(np.maximum(self.lengths(name), 1e-300))[::-1] for name in INITS}
        low = min(-2, *(np.floor(powers.min()) for powers in every.values()))
        high = max(2, *(np.ceil(powers.max()) for powers in every.values()))
        words = 'fill="currentColor" stroke="none" font-size="14"'
        body = "".join(
            f'<text x="46" y="{25 + 200 * (high - power) / (high - low):.0f}" text-anchor="end" {words}>'
            f"1e{int(power)}</text>"
            for power in (low, 0, high)
        )
        for name, dash in zip(INITS, ("2 3", "9 3 2 3", "7 3", ""), strict=True):
            points = [
                (50 + 400 * k / (self.depth - 1), 20 + 200 * (high - power) / (high - low))
                for k, power in enumerate(every[name])
            ]
            path = "M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
            thick = 3 if name == self.init else 1.5
            body += f'<path d="{path}" stroke-dasharray="{dash}" stroke-width="{thick}"/>'
            body += f'<text x="456" y="{points[-1][1] + 5:.0f}" {words}>{INITS[name][0]}</text>'
        body += f'<text x="450" y="244" text-anchor="end" {words}>from the last layer to the first</text>'
        return body + '<path d="M50 20v200h400" opacity=".5"/>', 540, 256

    def _graph(self) -> tuple[str, int, int]:
        shown = {"x": self.x, "w": self.w, "b": self.b, "t": self.t}
        shown |= dict(list(self.chain().items())[: self.step + 1])
        body = ""
        for index, (name, value) in enumerate(shown.items()):
            x, y = index % 4 * 130, index // 4 * 44
            body += f'<rect x="{x}" y="{y}" width="120" height="34" rx="6"/>'
            body += f'<text x="{x + 60}" y="{y + 22}" text-anchor="middle" fill="currentColor" stroke="none" '
            body += f'font-size="15">{name} = {text(float(f"{value:.4g}"))}</text>'
        return body, 520, (len(shown) + 3) // 4 * 44
