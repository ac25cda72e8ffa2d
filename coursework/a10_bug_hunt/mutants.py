"""Tests that students write and that are not enough: each name with the lines of the solution it changes."""

HEAD = "def sound(kind, forward, backward, params, input_shape):\n"

MUTANTS = {
    "everything is sound": HEAD + "    return True",
    "nothing is sound": HEAD + "    return False",
    "a coin decides": HEAD + "    return bool(np.random.default_rng(len(kind)).random() < 0.5)",
    "no answer": HEAD + "    forward(np.ones((1, *input_shape)), params, True)",
    "only the shape of dx": HEAD + "    x = np.ones((2, *input_shape))\n"
    "    return backward(forward(x, params, True), x, params)[0].shape == x.shape",
    "all-ones upstream": [
        (
            "dout = rng.normal(size=forward(x, params, True).shape)",
            "dout = np.ones(forward(x, params, True).shape)",
        )
    ],
    "a batch of one": [("(3, *input_shape)", "(1, *input_shape)")],
    "the input gradient only": [("for name, value in params.items():", "for name, value in {}.items():")],
    "the parameter gradients only": [
        ("for gradient, loss, shape in points:", "for gradient, loss, shape in points[1:]:")
    ],
    "no gradients at all": [("for gradient, loss, shape in points:", "for gradient, loss, shape in []:")],
    "a generous limit": [("1e-5 * max", "10.0 * max")],
    "too strict a limit": [("1e-5 * max", "1e-16 * max")],
    "absolute values compared": [
        ("abs(slope - (gradient * d).sum())", "abs(abs(slope) - abs((gradient * d).sum()) - 1)")
    ],
    "no ties": [("backward(blame, ones, params)[0].sum(), blame.sum()", "1, 1")],
    "every pooling is accused": [
        (
            '    if kind == "convolution":',
            '    if kind.endswith("pooling"):\n        return False\n    if kind == "convolution":',
        )
    ],
    "training instead of use": [
        (
            "forward(x[:1], params, False), forward(x, params, False)[:1]",
            "forward(x, params, True), forward(x, params, True)",
        )
    ],
    "batch norm is accused": [
        (
            "forward(x[:1], params, False), forward(x, params, False)[:1]",
            "forward(x[:1], params, True), forward(x, params, True)[:1]",
        )
    ],
}

# What else a test of layers tries is the student's choice: random changes of the solution are not tried.
HARMLESS = {}
