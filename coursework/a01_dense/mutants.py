"""Wrong answers that students give: each name with the lines of the solution it changes."""

MUTANTS = {
    "one bias for all units": [("x @ w + b\n", "x @ w + b[0]\n")],
    "no bias": [("x @ w + b\n", "x @ w\n")],
    "bias added twice": [("x @ w + b\n", "x @ w + 2 * b\n")],
    "weights transposed where they can be": [
        ("return dout @ w.T,", "w = w.T if w.shape[0] == w.shape[1] else w\n    return dout @ w.T,")
    ],
    "dw averaged over the batch": [("x.T @ dout", "x.T @ dout / len(x)")],
    "db averaged over the batch": [("dout.sum(axis=0)", "dout.mean(axis=0)")],
    "db summed over everything": [("dout.sum(axis=0)", "dout.sum()")],
    "dx without the weights' sign": [("dout @ w.T", "dout @ np.abs(w).T")],
    "dx averaged over the batch": [("dout @ w.T,", "dout @ w.T / len(x),")],
    "gradients in another order": [("dout @ w.T, x.T @ dout,", "x.T @ dout, dout @ w.T,")],
    "db forgets all but the first example": [("dout.sum(axis=0)", "dout[0]")],
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
    "x changed in place": [("    return x @ w + b", "    x += 1e-3\n    return (x - 1e-3) @ w + b")],
    "integer logits": [("    shifted = logits", "    logits = np.round(logits)\n    shifted = logits")],
}

HARMLESS = {}
