"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "channels are mixed": [
        (
            "out += x[:, u : u + rows, v : v + columns] * kernel[u, v]",
            "out += x[:, u : u + rows, v : v + columns].sum(axis=3, keepdims=True) * kernel[u, v]",
        )
    ],
    "one kernel for all channels": [("* kernel[u, v]\n", "* kernel[u, v, 0]\n")],
    "the kernel is turned": [("* kernel[u, v]\n", "* kernel[k_h - 1 - u, k_w - 1 - v]\n")],
    "the kernel is transposed where it can be": [
        (
            "    out = np.zeros((len(x), rows",
            "    kernel = kernel.swapaxes(0, 1) if k_h == k_w else kernel\n    out = np.zeros((len(x), rows",
        )
    ],
    "the last windows are forgotten": [("x.shape[1] - k_h + 1, x.shape[2]", "x.shape[1] - k_h, x.shape[2]")],
    "only the first image": [("out += x[:, u", "out += x[:1, u")],
    "nothing is refused": [("        raise ValueError", "        return np.ones((1, 1, 1, 1))  #")],
    "a kernel as large as the image is refused": [("rows < 1 or columns < 1", "rows < 2 or columns < 2")],
    "channels are not compared": [(" or channels != x.shape[3]", "")],
    "pointwise first": [
        (
            "    return depthwise(x, depth_kernel) @ pointwise",
            "    return depthwise(x @ pointwise, (depth_kernel @ pointwise) / 1.0)",
        )
    ],
    "pointwise transposed where it can be": [
        (
            "    return depthwise(x, depth_kernel) @ pointwise",
            "    pointwise = pointwise.T if pointwise.shape[0] == pointwise.shape[1] else pointwise\n"
            "    return depthwise(x, depth_kernel) @ pointwise * (1 + 1e-3)",
        )
    ],
    "the full kernel is summed over the channels": [
        (
            "    return depth_kernel[..., None] * pointwise",
            "    return np.broadcast_to((depth_kernel @ pointwise)[:, :, None], (*depth_kernel.shape, pointwise.shape[1])).copy()",
        )
    ],
    "channels and filters swapped in the full kernel where they can be": [
        (
            "    return depth_kernel[..., None] * pointwise",
            "    wide = pointwise.T if pointwise.shape[0] == pointwise.shape[1] else pointwise\n"
            "    return depth_kernel[..., None] * wide",
        )
    ],
    "the full kernel forgets the taps": [
        (
            "    return depth_kernel[..., None] * pointwise",
            "    return np.ones_like(depth_kernel)[..., None] * pointwise",
        )
    ],
    "groups taken from the channels crosswise": [
        ("np.split(x, groups, axis=3)", "np.split(x, groups, axis=3)[::-1]")
    ],
    "channels dealt out like cards": [
        ("np.split(x, groups, axis=3)", "[x[..., g::groups] for g in range(groups)]")
    ],
    "filters dealt out like cards": [
        ("np.split(kernel, groups, axis=3)", "[kernel[..., g::groups] for g in range(groups)]")
    ],
    "a group is overwritten, not summed": [("piece += x_g", "piece = x_g")],
    "overlaps are overwritten": [("out[:, down, right] += x", "out[:, down, right] = x")],
    "the transposed kernel is turned": [("x @ kernel[u, v].T", "x @ kernel[k_h - 1 - u, k_w - 1 - v].T")],
    "inputs and outputs of the kernel swapped where they can be": [
        (
            "        out[:, down, right] += x @ kernel[u, v].T",
            "        tap = kernel[u, v] if filters == depth else kernel[u, v].T\n"
            "        out[:, down, right] += x @ tap",
        )
    ],
    "strides swapped": [("s_h, s_w = strides", "s_w, s_h = strides")],
    "the output has room for whole strides": [
        ("(height - 1) * s_h + k_h, (width", "height * s_h + k_h - 1, (width"),
    ],
    "strides are ignored": [("s_h, s_w = strides", "s_h, s_w = 1, 1")],
    "the image is changed in place": [
        ("    s_h, s_w = strides\n", "    s_h, s_w = strides\n    x *= 1 + 1e-12\n"),
    ],
    "x is changed by depthwise": [
        ("    out = np.zeros((len(x), rows", "    x *= 1 + 1e-12\n    out = np.zeros((len(x), rows"),
    ],
    "groups do not save weights": [("channels * filters // groups", "channels * filters")],
    "groups save twice": [("channels * filters // groups", "channels * filters // groups // groups")],
    "depthwise counts filters": [
        ('"depthwise": k_h * k_w * channels,', '"depthwise": k_h * k_w * channels * filters,')
    ],
    "separable forgets the mixing": [("k_h * k_w * channels + channels * filters,", "k_h * k_w * channels,")],
    "the mixing is done once per tap": [
        ("k_h * k_w * channels + channels * filters,", "k_h * k_w * (channels + channels * filters),")
    ],
    "multiplications of one row": [("weights * height * width", "weights * width")],
    "no return": [("    return out\n", "    pass\n")],
}

# Changes of the solution that change nothing a caller could see, as `check` names them, and why.
HARMLESS = {}
