"""Wrong answers that students give: each name with the lines of the solution it changes."""

PAD = "constant_values=np.nan"

MUTANTS = {
    "padding with zeros": [(PAD, "constant_values=0")],
    "zeros win the maximum, forward only": [
        ("    rows = (x", "    x = np.nan_to_num(x) if kind == 'max' else x\n    rows = (x")
    ],
    "padding counts in the average": [
        ("np.nanmean(window, axis=(1, 2))", "np.nansum(window, axis=(1, 2)) / (size[0] * size[1])")
    ],
    "no overlap": [("i * strides[0], j * strides[1]", "i * size[0], j * size[1]")],
    "strides swapped": [("i * strides[0], j * strides[1]", "i * strides[1], j * strides[0]")],
    "window height and width swapped": [
        ("top + size[0], left : left + size[1]", "top + size[1], left : left + size[0]")
    ],
    "rounded up": [("(x.shape[1] - size[0]) // strides[0]", "-(-(x.shape[1] - size[0]) // strides[0])")],
    "the last window is forgotten": [("// strides[1] + 1", "// strides[1]")],
    "maximum of absolute values": [
        ("np.nanmax(window, axis=(1, 2))", "np.nanmax(np.abs(window), axis=(1, 2))")
    ],
    "maximum over channels too": [
        ("np.nanmax(window, axis=(1, 2))", "np.nanmax(window, axis=(1, 2, 3))[:, None]")
    ],
    "kind is ignored, forward": [('if kind == "max" else np.nanmean', "if kind else np.nanmean")],
    "kind is ignored, backward": [('        if kind == "max":', "        if not kind:")],
    "the last of a tie": [("np.nanargmax(window)", "window.size - 1 - np.nanargmax(window.ravel()[::-1])")],
    "every tie wins": [
        (
            "            dx[n, top + u, left + v, c] += dout[n, i, j, c]",
            "            dx[n, top : top + size[0], left : left + size[1], c] += dout[n, i, j, c] * (window == window[u, v])",
        )
    ],
    "ties share": [
        (
            "            dx[n, top + u, left + v, c] += dout[n, i, j, c]",
            "            won = window == window[u, v]\n"
            "            dx[n, top : top + size[0], left : left + size[1], c] += dout[n, i, j, c] * won / won.sum()",
        )
    ],
    "overwritten where windows overlap": [(", c] += dout", ", c] = dout")],
    "the whole gradient to every pixel": [(" * real / real.sum()", " * real")],
    "shares with the padding": [("real / real.sum()", "real / real.size")],
    "always dout of the first channel": [("dout[n, i, j, c]", "dout[n, i, j, 0]")],
    "padding is not cut off": [("pads[0][0] : pads[0][0] + height", "0 : height")],
    "padding cut off with -pad": [
        (
            "dx[:, pads[0][0] : pads[0][0] + height, pads[1][0] : pads[1][0] + width]",
            "dx[:, pads[0][0] : -pads[0][1], pads[1][0] : -pads[1][1]]",
        )
    ],
    "the image is changed in place": [("    x = np.pad", "    x += 1e-3\n    x = np.pad")],
    "dout is changed in place": [
        (
            "    dx = np.zeros(x.shape)",
            "    dx = np.zeros(x.shape)\n    dout *= 2\n    dout /= 2\n    dout += 1e-9",
        )
    ],
}

IN_AVERAGE = "pool_backward: dout[n, i, j, c] * real"
HARMLESS = {
    f"{IN_AVERAGE} -> dout[n, i, j, c] / real": "it differs in the padding only, which is cut off",
    f"{IN_AVERAGE} -> dout[n, i, j, c]": "it differs in the padding only, which is cut off",
}
