"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "the formula with one pad": [("size + before + after -", "size + before -")],
    "the formula that divides too early": [("return room // stride + 1", "return (room + 1) // stride")],
    "rounded up": [("return room // stride + 1", "return -(-room // stride) + 1")],
    "dilation times the kernel": [("(dilation * (kernel_size - 1) + 1)\n", "dilation * kernel_size\n")],
    "a decimal size": [("room // stride + 1", "room / stride + 1")],
    "nothing is refused": [("        raise ValueError", "        return 0  #")],
    "a window that just fits is refused": [("if room < 0", "if room <= 0")],
    "refused by an assertion": [("        raise ValueError(", "        raise AssertionError(")],
    "half on each side": [("missing - missing // 2", "missing // 2")],
    "the odd zero on the other side": [
        ("missing // 2, missing - missing // 2", "missing - missing // 2, missing // 2"),
    ],
    "same ignores the stride": [("windows = -(-size // stride)", "windows = size")],
    "negative padding": [("max((windows", "sum((windows"), ("+ 1 - size, 0)", "+ 1 - size,))")],
    "dilation forgotten in same": [("stride + dilation * (kernel_size - 1)", "stride + (kernel_size - 1)")],
    "strides swapped": [("(s_h, s_w), (d_h, d_w) = strides", "(s_w, s_h), (d_h, d_w) = strides")],
    "dilations swapped": [("(s_h, s_w), (d_h, d_w)", "(s_h, s_w), (d_w, d_h)")],
    "pads of height used for width": [
        ("s_w, d_w, *pads[1])", "s_w, d_w, *pads[0])"),
        ("*pads, (0, 0)", "pads[0], pads[0], (0, 0)"),
    ],
    "padding with ones": [("*pads, (0, 0)))", "*pads, (0, 0)), constant_values=1)")],
    "the image is not padded at the end": [
        (
            "*pads, (0, 0)))",
            "*pads, (0, 0)))[:, : x.shape[1] + pads[0][0]]\n    rows = min(rows, (x.shape[1] - d_h * (kernel.shape[0] - 1) - 1) // s_h + 1)",
        )
    ],
    "the kernel is turned": [("@ kernel[u, v]", "@ kernel[-1 - u, -1 - v]")],
    "the kernel is transposed where it can be": [
        (
            "    out = np.zeros(",
            "    kernel = kernel.swapaxes(0, 1) if kernel.shape[0] == kernel.shape[1] else kernel\n    out = np.zeros(",
        )
    ],
    "the image is changed in place": [("    x = np.pad", "    x *= 1.001\n    x = np.pad")],
    "the jump is multiplied first": [
        ("        size += dilation", "        jump *= stride\n        size += dilation"),
        ("* jump\n        jump *= stride", "* jump"),
    ],
    "sizes add up without the jump": [("* (kernel_size - 1) * jump", "* (kernel_size - 1)")],
    "dilation forgotten in the receptive field": [
        ("size += dilation * (kernel_size - 1)", "size += (kernel_size - 1)")
    ],
    "only the size": [("return size, jump", "return size")],
}

HARMLESS = {}
