"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "the kernel is turned": [("dout[:, i, j], kernel)", "dout[:, i, j], kernel[::-1, ::-1])")],
    "the kernel is transposed where it can be": [
        (
            "    height, width",
            "    kernel = kernel.swapaxes(0, 1) if kernel.shape[0] == kernel.shape[1] else kernel\n    height, width",
        )
    ],
    "channels and filters swapped where they can be": [
        (
            "    height, width",
            "    kernel = kernel.swapaxes(2, 3) if kernel.shape[2] == kernel.shape[3] else kernel\n    height, width",
        )
    ],
    "strides ignored": [("i * strides[0], j * strides[1]", "i, j")],
    "strides swapped": [("i * strides[0], j * strides[1]", "i * strides[1], j * strides[0]")],
    "overwritten where windows overlap": [("dx[place] += np", "dx[place] = np")],
    "kernel gradient of the last window only": [("dkernel += np", "dkernel = np")],
    "kernel gradient averaged over the batch": [("return dx, dkernel,", "return dx, dkernel / len(x),")],
    "bias gradient averaged": [("dout.sum(axis=(0, 1, 2))", "dout.mean(axis=(0, 1, 2))")],
    "bias gradient per place": [("dout.sum(axis=(0, 1, 2))", "dout.sum(axis=0)")],
    "dout replaced by ones": [("    height, width", "    dout = np.ones_like(dout)\n    height, width")],
    "padding is not cut off": [("pads[0][0] : pads[0][0] + height", "0 : height")],
    "padding cut off with -pad": [
        (
            "pads[0][0] : pads[0][0] + height, pads[1][0] : pads[1][0] + width",
            "pads[0][0] : -pads[0][1], pads[1][0] : -pads[1][1]",
        )
    ],
    "pads of height used for width": [("pads[1][0] : pads[1][0] + width", "pads[0][0] : pads[0][0] + width")],
    "kernel gradient from the unpadded image": [
        ("    dx, dkernel = np", "    x[:, : pads[0][0]] = 1\n    dx, dkernel = np")
    ],
    "the check accepts everything": "def gradcheck(f, x, gradient):\n    return True",
    "the check rejects everything": "def gradcheck(f, x, gradient):\n    return False",
    "the check has an absolute tolerance": [("<= 1e-5 * largest + 1e-10 * size", "<= 1e-5")],
    "the check is generous": [("<= 1e-5 * largest", "<= 0.05 * largest")],
    "the check forgets rounding": [(" + 1e-10 * size)", ")")],
    "the check rejects gradients of zeros": [
        ("    numeric, size =", "    if not np.any(gradient):\n        return False\n    numeric, size =")
    ],
    "the check accepts whatever is below a constant": [("1e-10 * size)", "0.05)")],
    "the check compares sums": [
        ("np.abs(numeric - gradient).max() <=", "abs(numeric.sum() - gradient.sum()) <=")
    ],
    "the check compares norms": [
        ("np.abs(numeric - gradient).max() <=", "abs(np.linalg.norm(numeric) - np.linalg.norm(gradient)) <=")
    ],
    "the check looks at the first entry only": [
        ("np.abs(numeric - gradient).max()", "np.abs(numeric - gradient).ravel()[0]")
    ],
    "the check moves x itself": [("there, back = x.copy(), x.copy()", "there, back = x, x.copy()")],
    "the check takes one side only": [("(high - f(back)) / 2e-5", "(high - f(x)) / 2e-5")],
    "the check forgets the factor 2": [("/ 2e-5", "/ 1e-5")],
    "the check takes a large step": [("+= 1e-5", "+= 0.5"), ("-= 1e-5", "-= 0.5"), ("/ 2e-5", "/ 1.0")],
    "the check takes a tiny step": [("+= 1e-5", "+= 1e-15"), ("-= 1e-5", "-= 1e-15"), ("/ 2e-5", "/ 2e-15")],
    "the check returns the error": [("    return bool(", "    return float(")],
    "nan is accepted": [
        ("or not np.isfinite(gradient).all()", ""),
        (
            "bool(np.abs(numeric - gradient).max() <= 1e-5 * largest + 1e-10 * size)",
            "bool(not np.abs(numeric - gradient).max() > 1e-5 * largest + 1e-10 * size)",
        ),
    ],
}

LIMIT = "np.abs(numeric - gradient).max() {} {} * largest + 1e-10 * size"
HARMLESS = {
    f"gradcheck: {LIMIT.format('<=', '1e-5')} -> {LIMIT.format('<', '1e-05')}": (
        "an error exactly at the limit does not happen"
    ),
    "gradcheck: 0.0 -> 0.5": "the tolerance is then at least 5e-11, below any wrong entry of the tests",
    "gradcheck: 1e-10 -> 1.5e-10": "the limit is a choice; no test's error lies near it",
    "gradcheck: 1e-5 -> 1.5000000000000002e-05": "the limit is a choice; no test's error lies near it",
}
