"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "only over the batch": [("axes = tuple(range(x.ndim - 1))", "axes = 0")],
    "over everything": [("x.mean(axis=axes), x.var(axis=axes)", "x.mean(), x.var()")],
    "over the channels": [
        (
            "x.mean(axis=axes), x.var(axis=axes)",
            "x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)",
        )
    ],
    "the variance divides by m - 1": [("x.var(axis=axes)", "x.var(axis=axes, ddof=1)")],
    "momentum and its rest swapped": [
        ("keep * self.moving_mean + (1 - keep) * mean", "(1 - keep) * self.moving_mean + keep * mean")
    ],
    "the unbiased variance is remembered": [
        ("(1 - keep) * variance", "(1 - keep) * x.var(axis=axes, ddof=1)"),
    ],
    "the standard deviation is remembered": [("(1 - keep) * variance", "(1 - keep) * np.sqrt(variance)")],
    "statistics start from the first batch": [
        ("keep = self.momentum", "keep = self.momentum if self.moving_mean.any() else 0.0")
    ],
    "the batch's statistics in use": [("        if training:\n", "        if True:\n")],
    "the moving statistics in training": [
        ("            mean, variance = x.mean", "            m, v = mean, variance = x.mean"),
        (
            "        self.inverse",
            "        mean, variance = self.moving_mean, self.moving_variance\n        self.inverse",
        ),
    ],
    "use updates the statistics, too": [
        (
            "        self.inverse = 1",
            "        self.moving_mean = 0.9 * self.moving_mean + 0.1 * x.mean(axis=axes)\n        self.inverse = 1",
        )
    ],
    "epsilon outside the root": [("np.sqrt(variance + self.epsilon)", "(np.sqrt(variance) + self.epsilon)")],
    "no epsilon": [("np.sqrt(variance + self.epsilon)", "np.sqrt(variance)")],
    "beta forgotten": [("self.x_hat + self.beta", "self.x_hat")],
    "gamma forgotten": [("return self.gamma * self.x_hat", "return self.x_hat")],
    "the path through the mean is forgotten": [("dout - dbeta / m -", "dout -")],
    "the path through the variance is forgotten": [(" - self.x_hat * dgamma / m", "")],
    "gamma forgotten on the way back": [("dx = self.gamma * self.inverse", "dx = self.inverse")],
    "m counts the batch only": [("dout.size // dout.shape[-1]", "len(dout)")],
    "dgamma averaged": [("(dout * self.x_hat).sum(axis=axes)", "(dout * self.x_hat).mean(axis=axes)")],
    "dgamma without x_hat": [("(dout * self.x_hat).sum(axis=axes)", "dout.sum(axis=axes)")],
    "parameter gradients over the batch only": [("axes = tuple(range(dout.ndim - 1))", "axes = 0")],
    "dgamma and dbeta swapped": [("return dx, dgamma, dbeta", "return dx, dbeta, dgamma")],
    "folded along the input channels where it can be": [
        (
            "    return kernel * factor",
            "    wide = factor[:, None] if kernel.shape[2] == kernel.shape[3] else factor\n    return kernel * wide",
        )
    ],
    "folded without the variance's root": [
        ("gamma / np.sqrt(variance + epsilon)", "gamma / (variance + epsilon)")
    ],
    "folded without the mean": [("(bias - mean) * factor", "bias * factor")],
    "folded bias without the factor": [("(bias - mean) * factor", "bias - mean")],
    "folded without epsilon": [("np.sqrt(variance + epsilon)", "np.sqrt(variance)")],
    "x is changed in place": [
        ("        self.x_hat = (x - mean)", "        x -= mean\n        self.x_hat = x")
    ],
    "dout is changed in place": [
        ("        m = dout.size", "        dout *= 1 + 1e-12\n        m = dout.size")
    ],
}

HARMLESS = {}
