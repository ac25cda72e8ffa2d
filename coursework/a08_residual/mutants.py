"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "statistics over the batch": [
        ("pieces.mean(axis=(1, 2, 4)", "pieces.mean(axis=(0, 1, 2, 4)"),
        ("pieces.var(axis=(1, 2, 4)", "pieces.var(axis=(0, 1, 2, 4)"),
    ],
    "statistics at every pixel": [
        ("pieces.mean(axis=(1, 2, 4)", "pieces.mean(axis=4"),
        ("pieces.var(axis=(1, 2, 4)", "pieces.var(axis=4"),
    ],
    "statistics of every channel": [
        ("pieces.mean(axis=(1, 2, 4)", "pieces.mean(axis=(1, 2)"),
        ("pieces.var(axis=(1, 2, 4)", "pieces.var(axis=(1, 2)"),
    ],
    "neighbouring channels in different groups": [
        (
            "        return x.reshape(*x.shape[:3], self.groups, -1)",
            "        return x.reshape(*x.shape[:3], -1, self.groups).swapaxes(3, 4)",
        )
    ],
    "groups and their size swapped": [
        ("x.reshape(*x.shape[:3], self.groups, -1)", "x.reshape(*x.shape[:3], -1, self.groups)")
    ],
    "the variance divides by m - 1": [
        ("pieces.var(axis=(1, 2, 4), keepdims=True)", "pieces.var(axis=(1, 2, 4), keepdims=True, ddof=1)")
    ],
    "epsilon outside the root": [("np.sqrt(variance + self.epsilon)", "(np.sqrt(variance) + self.epsilon)")],
    "no epsilon": [("np.sqrt(variance + self.epsilon)", "np.sqrt(variance)")],
    "beta forgotten": [(".reshape(x.shape) + self.beta", ".reshape(x.shape)")],
    "gamma forgotten": [("return self.gamma * self.x_hat", "return self.x_hat")],
    "nothing is refused": [("            raise ValueError", "            _ = (")],
    "dgamma averaged": [
        (".reshape(dout.shape)).sum(axis=(0, 1, 2))", ".reshape(dout.shape)).mean(axis=(0, 1, 2))")
    ],
    "dbeta without the batch": [("dbeta = dout.sum(axis=(0, 1, 2))", "dbeta = dout.sum(axis=(1, 2))[0]")],
    "gamma forgotten on the way back": [("self.split(dout * self.gamma)", "self.split(dout)")],
    "gamma only behind the means": [
        ("slope = self.split(dout * self.gamma)", "slope = self.split(dout)"),
        ("return dx.reshape(dout.shape), dgamma", "return dx.reshape(dout.shape) * self.gamma, dgamma"),
    ],
    "the path through the mean is forgotten": [("(slope - mean -", "(slope -")],
    "the path through the variance is forgotten": [(" - self.x_hat * along)", ")")],
    "the shortcut is forgotten": [
        ("return inside + (x if self.shortcut is None else x @ self.shortcut)", "return inside")
    ],
    "x is added even with a shortcut where it can be": [
        (
            "x if self.shortcut is None else x @ self.shortcut",
            "x if x.shape == inside.shape else 0 * (x @ self.shortcut)",
        )
    ],
    "no ReLU": [("np.maximum(self.z, 0)", "self.z")],
    "a ReLU after the sum": [
        (
            "return inside + (x if self.shortcut is None else x @ self.shortcut)",
            "return np.maximum(inside + (x if self.shortcut is None else x @ self.shortcut), 0)",
        )
    ],
    "the gradient of the shortcut is forgotten": [
        ("return [dx + dout, *gradients]", "return [dx, *gradients]"),
        ("return [dx + dout @ self.shortcut.T,", "return [dx,"),
    ],
    "the gradient of the layers is forgotten": [
        ("return [dx + dout, *gradients]", "return [dout, *gradients]"),
        ("return [dx + dout @ self.shortcut.T,", "return [dout @ self.shortcut.T,"),
    ],
    "the ReLU passes every gradient": [(" * (self.z > 0)", "")],
    "the ReLU is asked for its output's gradient": [("(self.z > 0)", "(self.x @ self.kernel_1 < 0)")],
    "kernel gradients averaged over the pixels": [
        ("@ dz.reshape(-1, dz.shape[3])", "@ dz.reshape(-1, dz.shape[3]) / (dz.size // dz.shape[3])")
    ],
    "the second kernel sees z, not a": [("self.product(self.a, dz_2)", "self.product(self.z, dz_2)")],
    "the shortcut's kernel gets the gradient of the layers": [
        ("self.product(self.x, dout)]", "self.product(self.x, dz_2)]")
    ],
    "a quiet block with kernels of zeros": [
        ("rng.normal(size=(channels, hidden)) * np.sqrt(2 / channels)", "np.zeros((channels, hidden))"),
        ("rng.normal(size=(hidden, channels)) * np.sqrt(2 / hidden)", "np.zeros((hidden, channels))"),
    ],
    "a quiet block with gamma 1": [
        ("GroupNorm(np.zeros(channels), np.zeros", "GroupNorm(np.ones(channels), np.zeros")
    ],
    "He's rule with the outputs": [("np.sqrt(2 / channels)", "np.sqrt(2 / hidden)")],
    "Glorot's rule": [("np.sqrt(2 / hidden)", "np.sqrt(2 / (channels + hidden))")],
    "dout is changed in place": [
        ("        dgamma = (dout *", "        dout *= 1 + 1e-12\n        dgamma = (dout *")
    ],
    "x is changed in place": [
        ("        self.x, self.z = x", "        x *= 1 + 1e-12\n        self.x, self.z = x")
    ],
}

# Changes of the solution that change nothing a caller could see, as `check` names them, and why.
HARMLESS = {
    "ResidualBlock: self.z > 0 -> self.z >= 0": "no number drawn by the tests is exactly 0",
}
