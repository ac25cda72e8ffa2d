"""All long runs: the networks of the four notebooks behind this book, and the experiments around them.

Minutes are those of one core of the machine that recorded the book's results.
"""

from dataclasses import replace

from cnnbook import data, models, nn
from cnnbook.experiments import one_by_one, probes, rivals, stuck
from cnnbook.experiments.settings import Experiment, Setting, raw, scaled, shuffled, standardised

OURS = {"ours": 3}
BOTH = {"ours": 3, "keras": 3}

mlp = Setting(models.mlp, nn.RMSprop(), {"ours": 0.4, "keras": 0.9}, raw, look=probes.predictions)
fashion_cnn = Setting(
    models.fashion_cnn,
    nn.RMSprop(),
    {"ours": 5, "keras": 7},
    raw,
    look=probes.inside,
    player=("fashion_cnn", "CNN with batch normalisation"),
)

# One example at a time, three times through all 60,000: nothing is held out, and nothing chosen.
book = Setting(
    one_by_one.one_by_one,
    nn.SGD(0.005),
    {"ours": 4, "keras": 6.5},
    raw,
    held_out=0,
    batch_size=1,
    epochs=3,
    look=probes.whole_network,
    player=("small_cnn_one_by_one", "CNN, one example at a time"),
)
FALLING = (0.005, 0.002, 0.0005)  # a rate per epoch
one_by_one_variant = replace(book, look=None, player=None, seeds={"ours": 1})

# All 60,000 images, 16 times; the rate climbs for two epochs, then falls along half a cosine.
STEPS = 60_000 // 128 + 1
residual_cnn = Setting(
    models.residual_cnn,
    nn.AdamW(
        nn.CosineDecay(0.0, decay_steps=14 * STEPS, warmup_target=0.003, warmup_steps=2 * STEPS),
        weight_decay=0.05,
    ),
    {"ours": 25, "keras": 30},
    scaled,
    held_out=0,
    batch_size=128,
    epochs=16,
    augment=data.Augmentation(shift=2, flip=True),
    look=probes.predictions,
    seeds={"ours": 3, "keras": 1},
)

mnist = Setting(
    models.mnist_cnn,
    nn.Adam(),
    {"ours": 1, "keras": 1, "module": 1.5},
    scaled,
    dataset="mnist",
    epochs=6,
    look=probes.kernels,
    seeds={"ours": 3, "keras": 3, "module": 3},
)

tanh_cnn = Setting(
    stuck.tanh_cnn,
    nn.SGD(0.01, momentum=0.9),
    {"ours": 1.5, "keras": 3.5},
    standardised,
    batch_size=60,
    watch=probes.saturation,
    look=probes.kernels,
)
# The source's loss has the gradient of this one; what it printed is watched as "two_sided_loss".
as_printed = replace(tanh_cnn, optimizer=nn.SGD(0.1, momentum=0.9), seeds=OURS)
tanh_short = replace(tanh_cnn, n_train=12_000, epochs=5, look=None, seeds=OURS, minutes={"ours": 0.25})
tanh_short_wild = replace(tanh_short, optimizer=nn.SGD(0.1, momentum=0.9))

short = replace(
    fashion_cnn,
    n_train=12_000,
    epochs=6,
    look=None,
    player=None,
    seeds=BOTH,
    minutes={"ours": 0.6, "keras": 0.9},
)
shorter = replace(short, n_train=9_000, epochs=3, seeds=BOTH, minutes={"ours": 0.25, "keras": 0.4})
short_mlp = replace(short, make=models.mlp, minutes={"ours": 0.1, "keras": 0.2})
deep = Setting(
    rivals.deep_he,
    nn.SGD(0.05),
    {"ours": 0.1, "keras": 0.2},
    scaled,
    n_train=12_000,
    epochs=8,
    watch=probes.spreads,
    seeds=BOTH,
)

RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
sweep = {
    f"{name}, {rate:g}": replace(shorter, make=make, optimizer=nn.RMSprop(rate))
    for name, make in (("with", models.fashion_cnn), ("without", rivals.cnn_without_batch_norm))
    for rate in RATES
}
for name in ("with", "without"):
    recorded = (f"batch_norm_{name}", f"{name.capitalize()} batch normalisation")
    sweep[f"{name}, 0.003"] = replace(sweep[f"{name}, 0.003"], player=recorded)

EXPERIMENTS = {
    "mlp": Experiment("MLP on Fashion-MNIST", {"plain": mlp}, {"accuracy": 0.86}),
    "fashion_cnn": Experiment("CNN with batch normalisation", {"plain": fashion_cnn}, {"accuracy": 0.90}),
    "small_cnn_one_by_one": Experiment(
        "CNN trained one example at a time",
        {
            "book": book,
            "source": replace(one_by_one_variant, make=one_by_one.one_by_one_source, seeds=OURS),
            "bias per pixel": replace(one_by_one_variant, make=one_by_one.one_by_one_pixel_bias, seeds=OURS),
            "randn / k^2": replace(one_by_one_variant, make=one_by_one.one_by_one_small_weights),
            "grey frame": replace(one_by_one_variant, make=one_by_one.one_by_one_grey_frame),
            "Glorot": replace(one_by_one_variant, make=one_by_one.one_by_one_glorot),
            "falling rate": replace(one_by_one_variant, rates=FALLING, seeds=OURS),
            "source, falling rate": replace(
                one_by_one_variant, make=one_by_one.one_by_one_source, rates=FALLING, seeds=OURS
            ),
        },
        {"accuracy": 0.891, "macro_f1": 0.890},
    ),
    "residual_cnn": Experiment("Residual network with what modern networks add", {"plain": residual_cnn}),
    "mnist_cnn": Experiment("CNN on MNIST, finished", {"plain": mnist}),
    "stuck_cnn": Experiment(
        "Convolution that did not learn",
        {
            "fixed": tanh_cnn,
            "source": replace(as_printed, make=stuck.tanh_cnn_wild_both),
            "source, frozen": replace(as_printed, make=stuck.tanh_cnn_wild, frozen=(0,)),
            "source, right gradients": replace(as_printed, make=stuck.tanh_cnn_wild),
        },
    ),
    "stuck_cnn_ablation": Experiment(
        "Which mistake does what",
        {
            "sane, none": replace(tanh_short, player=("stuck_cnn_right", "Right gradients")),
            "sane, mixed up": replace(
                tanh_short,
                make=stuck.tanh_cnn_mixed_up,
                player=("stuck_cnn_mixed_up", "Kernel gradient from mixed-up rows"),
            ),
            "sane, unrotated": replace(tanh_short, make=stuck.tanh_cnn_unrotated),
            "sane, both": replace(tanh_short, make=stuck.tanh_cnn_both),
            "sane, frozen": replace(tanh_short, frozen=(0,)),
            "wild, none": replace(tanh_short_wild, make=stuck.tanh_cnn_wild),
            "wild, mixed up": replace(tanh_short_wild, make=stuck.tanh_cnn_wild_mixed_up),
            "wild, unrotated": replace(tanh_short_wild, make=stuck.tanh_cnn_wild_unrotated),
            "wild, both": replace(tanh_short_wild, make=stuck.tanh_cnn_wild_both),
            "wild, frozen": replace(tanh_short_wild, make=stuck.tanh_cnn_wild, frozen=(0,)),
        },
    ),
    "own_keras_layers": Experiment(
        "CNN with our own Keras layers",
        {"plain": replace(short, seeds={"own layers": 3}, minutes={"own layers": 2})},
        {"time ratio": 1.25},
    ),
    "shuffled_pixels": Experiment(
        "Shuffled pixels",
        {
            "MLP": short_mlp,
            "MLP, shuffled": replace(short_mlp, prepare=shuffled),
            "CNN": short,
            "CNN, shuffled": replace(short, prepare=shuffled),
        },
    ),
    "pooling_rivals": Experiment(
        "Pooling and its rivals",
        {
            # Max pooling itself is the CNN of shuffled_pixels.
            "average pooling": replace(short, make=rivals.average_pooling),
            "strides": replace(short, make=rivals.strides, minutes={"ours": 0.2, "keras": 0.4}),
            "global average pooling": replace(short, make=rivals.global_pooling),
        },
    ),
    "batch_norm": Experiment("Learning rates with and without batch normalisation", sweep),
    "init": Experiment(
        "Initialisation in a deep network",
        {
            "He": replace(deep, player=("init_he", "He's initialisation")),
            "Glorot": replace(deep, make=rivals.deep_glorot),
            "std 1": replace(deep, make=rivals.deep_wild),
            "std .01": replace(
                deep, make=rivals.deep_small, player=("init_small", "Weights of standard deviation 0.01")
            ),
        },
    ),
}
