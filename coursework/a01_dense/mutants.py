"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "one bias for all units": [("x @ kernel + bias\n", "x @ kernel + bias[0]\n")],
    "no bias": [("x @ kernel + bias\n", "x @ kernel\n")],
    "bias added twice": [("x @ kernel + bias\n", "x @ kernel + 2 * bias\n")],
    "weights transposed where they can be": [
        (
            "return dout @ kernel.T,",
            "kernel = kernel.T if kernel.shape[0] == kernel.shape[1] else kernel\n    return dout @ kernel.T,",
        )
    ],
    "dkernel averaged over the batch": [("x.T @ dout", "x.T @ dout / len(x)")],
    "dbias averaged over the batch": [("dout.sum(axis=0)", "dout.mean(axis=0)")],
    "dbias summed over everything": [("dout.sum(axis=0)", "dout.sum()")],
    "dx without the weights' sign": [("dout @ kernel.T", "dout @ np.abs(kernel).T")],
    "dx averaged over the batch": [("dout @ kernel.T,", "dout @ kernel.T / len(x),")],
    "gradients in another order": [("dout @ kernel.T, x.T @ dout,", "x.T @ dout, dout @ kernel.T,")],
    "dbias forgets all but the first example": [("dout.sum(axis=0)", "dout[0]")],
    "no shift by the maximum": [("logits - logits.max(axis=1, keepdims=True)", "logits + 0")],
    "shift by the largest of the whole batch": [("logits.max(axis=1, keepdims=True)", "logits.max()")],
    "shift by the first logit": [("logits.max(axis=1, keepdims=True)", "logits[:, :1]")],
    "probabilities clipped": [
        ("log_p[rows, labels]", "np.log(np.clip(np.exp(log_p[rows, labels]), 1e-9, 1))")
    ],
    "loss summed": [(".mean()\n", ".sum()\n")],
    "gradient of the sum": [("dlogits / len(labels)", "dlogits")],
    "gradient divided by the number of classes": [("dlogits / len(labels)", "dlogits / logits.shape[1]")],
    "softmax over the batch": [("axis=1, keepdims=True", "axis=0, keepdims=True")],
    "the sign of the loss": [("loss = -log_p", "loss = log_p")],
    "gradient without the target": [("    dlogits[rows, labels] -= 1\n", "")],
    "logits changed in place": [
        ("    rows = np.arange", "    logits -= logits.max(axis=1, keepdims=True)\n    rows = np.arange")
    ],
    "x changed in place": [
        ("    return x @ kernel + bias", "    x += 1e-3\n    return (x - 1e-3) @ kernel + bias")
    ],
    "integer logits": [("    shifted = logits", "    logits = np.round(logits)\n    shifted = logits")],
}

HARMLESS = {}
