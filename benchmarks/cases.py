"""What is timed, by whom, and how much of it. Imports nothing, so that any Python can read it."""

from dataclasses import dataclass
from typing import Any

# Who can take part. Each lives in a process of its own; one process may play several parts.
PARTS = {
    "ours": ("plain", "fused", "shards", "loops"),
    "tensorflow": ("keras", "tf"),
    "torch": ("torch",),
    "jax": ("jax",),
}
NETWORKS = ("plain", "fused", "shards", "keras", "tf", "torch", "jax")
CONVOLUTIONS = ("plain", "tf", "torch", "jax")


@dataclass(frozen=True)
class Case:
    """One thing to time.

    key : its name in the record. kind : "train", "infer", "layer" or "loops". title : in words, for tables.
    what : the network or the layer's settings. sides : who takes part. both : also at default threads.
    steps : of one sample; None chooses as many as fill a tenth of a second.
    """

    key: str
    kind: str
    title: str
    what: Any
    sides: tuple[str, ...]
    batch: int = 64
    steps: int | None = None
    both: bool = True


def conv(key, title, image, filters, kernel_size, *, batch=64, sides=CONVOLUTIONS, both=True, **setting):
    """Forward and both gradients of one convolution; `first` leaves out the input gradient."""
    what = {"image": image, "filters": filters, "kernel_size": kernel_size, **setting}
    return Case(key, "layer", title, what, sides, batch, both=both)


def layer(key, title, kind, image, *, batch=64, **arguments):
    """Forward and all gradients of another layer, ours against TensorFlow's."""
    what = {"layer": kind, "image": image, "arguments": arguments}
    return Case(key, "layer", title, what, ("plain", "tf"), batch, both=False)


def growth():
    """A convolution 3x3x16 on 32 images 16x16x16, one of its sizes changed at a time."""
    base = {"batch": 32, "size": 16, "channels": 16, "kernel_size": 3}
    steps = {
        "batch": (8, 16, 32, 64, 128),
        "size": (8, 16, 32, 48, 64),
        "channels": (4, 8, 16, 32, 64),
        "kernel_size": (1, 3, 5, 7, 9),
    }
    for name, values in steps.items():
        for value in values:
            s = base | {name: value}
            image = (s["size"], s["size"], s["channels"])
            made = conv(
                f"growth/{name}/{value}",
                f"{name} {value}",
                image,
                s["channels"],
                s["kernel_size"],
                batch=s["batch"],
                sides=("plain", "tf"),
                both=False,
            )
            yield made


CASES = [
    Case("fashion_cnn", "train", "Fashion CNN, batch 64, RMSprop", "fashion_cnn", NETWORKS, steps=25),
    Case("mlp", "train", "MLP, batch 64, RMSprop", "mlp", NETWORKS, steps=25),
    Case("small_cnn", "train", "small CNN, one at a time, SGD", "small_cnn", NETWORKS, batch=1, steps=25),
    Case("small_cnn_batch", "train", "small CNN, batch 64, SGD", "small_cnn", NETWORKS, steps=25),
    Case("small_cnn_loops", "loops", "small CNN, loops", "small_cnn", ("plain", "loops"), 1, both=False),
    Case("one_image", "infer", "Fashion CNN, answer for one image", "fashion_cnn", NETWORKS, batch=1),
    Case("many_images", "infer", "Fashion CNN, answers for 256 images", "fashion_cnn", NETWORKS, batch=256),
    conv("conv_16_32", "Conv 3x3x32 on 64 x 14x14x16", (14, 14, 16), 32, 3),
    conv("conv_first", "Conv 3x3x16 on 64 x 28x28x1, no input gradient", (28, 28, 1), 16, 3, first=True),
    conv("conv_64_64", "Conv 3x3x64 on 32 x 32x32x64", (32, 32, 64), 64, 3, batch=32),
    conv("conv_5x5", "Conv 5x5x32 on 64 x 14x14x16", (14, 14, 16), 32, 5, both=False),
    conv("conv_stride", "Conv 3x3x32, stride 2, 64 x 28x28x16", (28, 28, 16), 32, 3, strides=2, both=False),
    layer("batchnorm", "Batch norm on 64 x 28x28x16", "BatchNormalization", (28, 28, 16)),
    layer("relu", "ReLU on 64 x 28x28x16", "ReLU", (28, 28, 16)),
    layer("maxpool", "Max pooling 2x2 on 64 x 28x28x16", "MaxPooling2D", (28, 28, 16)),
    layer("dense", "Dense 256 on 64 x 1568", "Dense", (1568,), units=256),
    layer("depthwise", "Depthwise conv 3x3 on 64 x 16x16x32", "DepthwiseConv2D", (16, 16, 32), kernel_size=3),
    *growth(),
]  # fmt: skip


def chosen(only):
    """The cases whose key begins with one of the names in `only`; all, if there are none."""
    return [case for case in CASES if not only or case.key.startswith(tuple(only))]
