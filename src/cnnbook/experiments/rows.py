"""All long runs: the systems of the four notebooks under their rows' names, and the experiments around them.

Minutes are those of one core of the machine that recorded the book's results.
"""

from dataclasses import replace

from cnnbook import nn
from cnnbook.experiments import nets, watch
from cnnbook.experiments.settings import Row, Setting, raw, scaled, shuffled, standardised

OURS = {"ours": 3}
BOTH = {"ours": 3, "keras": 3}

mlp = Setting(nets.mlp, nn.RMSprop(), {"ours": 0.4, "keras": 0.9}, raw, look=watch.predictions)
cnn = Setting(
    nets.cnn,
    nn.RMSprop(),
    {"ours": 5, "keras": 7},
    raw,
    look=watch.inside,
    player=("s0_3", "CNN with batch normalisation"),
)

# One example at a time, three times through all 60,000: nothing is held out, and nothing chosen.
s1 = Setting(
    nets.s1_book,
    nn.SGD(0.005),
    {"ours": 4, "keras": 6.5},
    raw,
    held_out=0,
    batch_size=1,
    epochs=3,
    look=watch.whole_network,
    player=("s1_7", "CNN, one example at a time"),
)
FALLING = (0.005, 0.002, 0.0005)  # a rate per epoch
s1_variant = replace(s1, look=None, player=None, seeds={"ours": 1})

s2 = Setting(
    nets.s2_cnn,
    nn.Adam(),
    {"ours": 1, "keras": 1, "module": 1.5},
    scaled,
    dataset="mnist",
    epochs=6,
    look=watch.kernels,
    seeds={"ours": 3, "keras": 3, "module": 3},
)

s3 = Setting(
    nets.s3_sane,
    nn.SGD(0.01, momentum=0.9),
    {"ours": 1.5, "keras": 3.5},
    standardised,
    batch_size=60,
    watch=watch.saturation,
    look=watch.kernels,
)
# The source's loss has the gradient of this one; what it printed is watched as "two_sided_loss".
as_printed = replace(s3, optimizer=nn.SGD(0.1, momentum=0.9), seeds=OURS)
s3_short = replace(s3, n_train=12_000, epochs=5, look=None, seeds=OURS, minutes={"ours": 0.25})
s3_short_wild = replace(s3_short, optimizer=nn.SGD(0.1, momentum=0.9))

short = replace(
    cnn,
    n_train=12_000,
    epochs=6,
    look=None,
    player=None,
    seeds=BOTH,
    minutes={"ours": 0.6, "keras": 0.9},
)
shorter = replace(short, n_train=9_000, epochs=3, seeds=BOTH, minutes={"ours": 0.25, "keras": 0.4})
short_mlp = replace(short, make=nets.mlp, minutes={"ours": 0.1, "keras": 0.2})
deep = Setting(
    nets.deep_he,
    nn.SGD(0.05),
    {"ours": 0.1, "keras": 0.2},
    scaled,
    n_train=12_000,
    epochs=8,
    watch=watch.spreads,
    seeds=BOTH,
)

RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
sweep = {
    f"{name}, {rate:g}": replace(shorter, make=make, optimizer=nn.RMSprop(rate))
    for name, make in (("with", nets.cnn), ("without", nets.cnn_without_batch_norm))
    for rate in RATES
}
for name in ("with", "without"):
    recorded = (f"batch_norm_{name}", f"{name.capitalize()} batch normalisation")
    sweep[f"{name}, 0.003"] = replace(sweep[f"{name}, 0.003"], player=recorded)

ROWS = {
    "S0-2": Row("MLP on Fashion-MNIST", {"plain": mlp}, {"accuracy": 0.86}),
    "S0-3": Row("CNN with batch normalisation", {"plain": cnn}, {"accuracy": 0.90}),
    "S1-7": Row(
        "CNN trained one example at a time",
        {
            "book": s1,
            "source": replace(s1_variant, make=nets.s1_source, seeds=OURS),
            "bias per pixel": replace(s1_variant, make=nets.s1_pixel_bias, seeds=OURS),
            "randn / k^2": replace(s1_variant, make=nets.s1_small_weights),
            "grey frame": replace(s1_variant, make=nets.s1_grey_frame),
            "Glorot": replace(s1_variant, make=nets.s1_glorot),
            "falling rate": replace(s1_variant, rates=FALLING, seeds=OURS),
            "source, falling rate": replace(s1_variant, make=nets.s1_source, rates=FALLING, seeds=OURS),
        },
        {"accuracy": 0.891, "macro_f1": 0.890},
    ),
    "S2-8": Row("CNN on MNIST, finished", {"plain": s2}),
    "S3-5": Row(
        "Convolution that did not learn",
        {
            "fixed": s3,
            "source": replace(as_printed, make=nets.s3_wild_both),
            "source, frozen": replace(as_printed, make=nets.s3_wild, frozen=(0,)),
            "source, right gradients": replace(as_printed, make=nets.s3_wild),
        },
    ),
    "S3-ablation": Row(
        "Which mistake does what",
        {
            "sane, none": replace(s3_short, player=("s3_right", "Right gradients")),
            "sane, mixed up": replace(
                s3_short,
                make=nets.s3_sane_mixed_up,
                player=("s3_mixed_up", "Kernel gradient from mixed-up rows"),
            ),
            "sane, unrotated": replace(s3_short, make=nets.s3_sane_unrotated),
            "sane, both": replace(s3_short, make=nets.s3_sane_both),
            "sane, frozen": replace(s3_short, frozen=(0,)),
            "wild, none": replace(s3_short_wild, make=nets.s3_wild),
            "wild, mixed up": replace(s3_short_wild, make=nets.s3_wild_mixed_up),
            "wild, unrotated": replace(s3_short_wild, make=nets.s3_wild_unrotated),
            "wild, both": replace(s3_short_wild, make=nets.s3_wild_both),
            "wild, frozen": replace(s3_short_wild, make=nets.s3_wild, frozen=(0,)),
        },
    ),
    "S0-8": Row(
        "CNN with our own Keras layers",
        {"plain": replace(short, seeds={"own layers": 3}, minutes={"own layers": 2})},
        {"time ratio": 1.25},
    ),
    "S1-1": Row(
        "Shuffled pixels",
        {
            "MLP": short_mlp,
            "MLP, shuffled": replace(short_mlp, prepare=shuffled),
            "CNN": short,
            "CNN, shuffled": replace(short, prepare=shuffled),
        },
    ),
    "S3-4": Row(
        "Pooling and its rivals",
        {
            # Max pooling itself is the CNN of S1-1.
            "average pooling": replace(short, make=nets.average_pooling),
            "strides": replace(short, make=nets.strides, minutes={"ours": 0.2, "keras": 0.4}),
            "global average pooling": replace(short, make=nets.global_pooling),
        },
    ),
    "batch-norm": Row("Learning rates with and without batch normalisation", sweep),
    "init": Row(
        "Initialisation in a deep network",
        {
            "He": replace(deep, player=("init_he", "He's initialisation")),
            "Glorot": replace(deep, make=nets.deep_glorot),
            "std 1": replace(deep, make=nets.deep_wild),
            "std .01": replace(
                deep, make=nets.deep_small, player=("init_small", "Weights of standard deviation 0.01")
            ),
        },
    ),
}
