"""What is measured beside loss and accuracy while a network trains, and what is kept of it afterwards."""

import numpy as np

from cnnbook import bugzoo, nn
from cnnbook.results import pack

OCCLUDER = 7  # pixels, the side of the grey square that is slid over an image


def saturation(model, x, y) -> dict[str, float]:
    """The share of tanh units within 1 % of their limits, and the loss the notebook printed, on images x."""
    units = x[:500]
    for layer in model.layers[:2]:
        units = layer.forward(units)
    logits = nn.predict(model, x)
    return {
        "saturated": float((np.abs(units) > 0.99).mean()),
        "two_sided_loss": bugzoo.TwoSidedLoss().forward(logits.astype(np.float64), y),
    }


def spreads(model, x, y) -> dict[str, float]:
    """The standard deviation of every dense layer's output, on images x."""
    found, x = {}, x[:500]
    for index, layer in enumerate(model.layers):
        x = layer.forward(x)
        if isinstance(layer, nn.Dense):
            found[f"std after layer {index}"] = float(x.std(dtype=np.float64))
    return found


def kernels(model, x, y) -> dict[str, dict]:
    """The first convolution's kernel."""
    conv = next(layer for layer in model.layers if isinstance(layer, nn.Conv2D))
    return {"kernel": pack(conv.params["kernel"])}


def predictions(model, x, y) -> dict[str, dict]:
    """For every test image the class that was predicted, and how sure the network was of it."""
    probs = nn.softmax(nn.predict(model, x))
    sure = pack(probs.max(axis=1), levels=256)
    return {"predictions": pack(probs.argmax(axis=1).astype(np.uint8)), "certainty": sure}


def whole_network(model, x, y) -> dict[str, dict]:
    """All weights and the predictions, of a network small enough."""
    weights = {name: pack(weight) for name, weight in model.weights().items()}
    return {**weights, **predictions(model, x, y)}


def inside(model, x, y) -> dict[str, dict]:
    """Predictions, kernels, and for a few test images what each stage makes of them and what they need.

    "images" are places among the test images: of the first hundred the T-shirt, dress, shirt and ankle boot
    that the network gets right and is least sure of. "maps k" are the outputs of layer k, (image, H, W, C).
    "occlusion" (image, H, W) is the probability of the true class with a grey square of 7 x 7 pixels centred
    there. "worst" are the test images on which the network is wrong and most sure.
    """
    logits = nn.predict(model, x)
    probs, guesses = nn.softmax(logits), logits.argmax(axis=1)
    wrong = np.flatnonzero(guesses != y)
    worst = wrong[np.argsort(-probs[wrong, guesses[wrong]], kind="stable")][:36]
    first = slice(100)
    sure = probs.max(axis=1)
    chosen = np.array(
        [np.lexsort((sure[first], guesses[first] != k, y[first] != k))[0] for k in (0, 3, 6, 9)]
    )
    kept = {
        **predictions(model, x, y),
        "worst": pack(worst.astype(np.uint16)),
        "images": pack(chosen.astype(np.uint16)),
        "occlusion": pack(np.stack([occluded(model, x[i], y[i]) for i in chosen]), levels=256),
    }
    maps = x[chosen]
    for index, layer in enumerate(model.layers):
        maps = layer.forward(maps)
        if isinstance(layer, nn.ReLU | nn.MaxPooling2D) and maps.ndim == 4:
            kept[f"maps {index}"] = pack(maps, levels=256)
    for name, weight in model.weights().items():
        if weight.size < 10_000:
            kept[name] = pack(weight)
    return kept


def occluded(model, image, label) -> np.ndarray:
    """The probability of `label` with a grey square centred on each pixel of `image` (H, W, C) in turn."""
    height, width, _ = image.shape
    covered = np.repeat(image[np.newaxis], height * width, axis=0)
    reach = OCCLUDER // 2
    for number, (i, j) in enumerate(np.ndindex(height, width)):
        covered[number, max(i - reach, 0) : i + reach + 1, max(j - reach, 0) : j + reach + 1] = 127.5
    return nn.softmax(nn.predict(model, covered))[:, label].reshape(height, width)
