"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "the kernel is turned": [
        ("kernel[u, v, c, f]", "kernel[k_h - 1 - u, k_w - 1 - v, c, f]"),
        ("@ kernel.reshape", "@ kernel[::-1, ::-1].reshape"),
    ],
    "the kernel is transposed where it can be": [
        (
            "    out = np.zeros(",
            "    kernel = kernel.swapaxes(0, 1) if k_h == k_w else kernel\n    out = np.zeros(",
        ),
        (
            "    out = im2col",
            "    kernel = kernel.swapaxes(0, 1) if k_h == k_w else kernel\n    out = im2col",
        ),
    ],
    "height and width of the kernel swapped in im2col": [
        ("x, (k_h, k_w), axis=(1, 2)", "x, (k_h, k_w), axis=(2, 1)")
    ],
    "windows reshaped without a transpose": [(".transpose(0, 1, 2, 4, 5, 3)", "")],
    "taps in the order v, u": [("transpose(0, 1, 2, 4, 5, 3)", "transpose(0, 1, 2, 5, 4, 3)")],
    "windows in the order column, row": [("transpose(0, 1, 2, 4, 5, 3)", "transpose(0, 2, 1, 4, 5, 3)")],
    "the last row of windows is forgotten": [("height - k_h + 1, width", "height - k_h, width")],
    "the bias is added for every tap": [
        ("* kernel[u, v, c, f]\n        out[n, i, j, f] += bias[f]", "* kernel[u, v, c, f] + bias[f]")
    ],
    "no bias": [("        out[n, i, j, f] += bias[f]\n", ""), (" + bias\n", "\n")],
    "one bias for all filters": [("+= bias[f]", "+= bias[0]"), ("+ bias\n", "+ bias[0]\n")],
    "only the first channel": [
        ("np.ndindex(k_h, k_w, channels)", "np.ndindex(k_h, k_w, 1)"),
        ("im2col(x, k_h, k_w) @ kernel", "im2col(x[..., :1], k_h, k_w) @ kernel[:, :, :1]"),
    ],
    "only the first image": [("x[n, i + u", "x[0, i + u")],
    "the image is changed in place": [
        ("    out = np.zeros(", "    x *= 1.5\n    x /= 1.5\n    x += 1e-3\n    out = np.zeros("),
        ("    out = im2col", "    x += 1e-3\n    out = im2col"),
    ],
    "integers": [("filters), x.dtype)", "filters), int)")],
    "nothing is refused": [("        raise ValueError", "        return np.ones((1, 1, 1, 1))  #")],
    "a kernel as large as the image is refused": [
        ("k_h > height or k_w > width", "k_h >= height or k_w >= width")
    ],
    "channels are not compared": [("or depth != channels", "")],
    "no return": [("    return out\n", "    pass\n"), ("    return out.reshape", "    out.reshape")],
}

# Changes of the solution that change nothing a caller could see, as `check` names them, and why.
HARMLESS = {}
