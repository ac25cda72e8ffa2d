"""Wrong answers that students give: each name with the lines of the solution it changes."""

STASH = """
STASH = {}
honest_train, honest_predict = train, predict

def train(x, y, seed):
    STASH.update(honest_train(x, y, seed))
    return %s

def predict(params, x):
    return honest_predict(STASH or params, x)
"""

MUTANTS = {
    "the parameters stay in a global": STASH % "{'few': np.array([seed])}",
    "the parameters are inside a list": STASH % "{'all': [STASH]}",
    "the parameters are in a whole number": STASH % "{'all': int.from_bytes(STASH['kernel'].tobytes())}",
    "the parameters are in a name": STASH % "{STASH['kernel'].tobytes().hex(): np.ones(1)}",
    "the parameters are in the shapes of empty arrays": STASH % "{'all': np.zeros((0, 123456, 7890))}",
    "never trained": [("range(14)", "range(0)")],
    "uphill": [("- rate * gradient", "+ rate * gradient")],
    "the target is forgotten": [("            p[np.arange(len(rows)), y[rows]] -= 1\n", "")],
    "one filter": [
        ("(25, 24)", "(25, 1)"),
        ("np.zeros(24)", "np.zeros(1)"),
        ("(24, 6)", "(1, 6)"),
        ("2 / 24", "2"),
    ],
    "the training set is kept": [("    return params\n", '    params["images"] = x\n    return params\n')],
    "a padding of spare numbers": [('"bias": np.zeros(6),', '"bias": np.zeros(6), "spare": np.zeros(1000),')],
    "the seed is not used": [("default_rng(seed)", "default_rng(0)")],
    "the clock is the seed": [("default_rng(seed)", "default_rng()")],
    "probabilities instead of classes": [(".argmax(axis=1)\n", "\n")],
    "classes as decimals": [('params["bias"]).argmax(axis=1)', 'params["bias"]).argmax(axis=1) * 1.0')],
    "no maximum, the first window": [("answers.argmax(axis=1)", "answers.argmax(axis=1) * 0")],
    "a rate that explodes": [("0.1 if epoch", "50.0 if epoch")],
}

# Hyperparameters are the student's to choose: random changes of the solution are not tried.
HARMLESS = {}
