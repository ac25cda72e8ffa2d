"""Ask PyTorch where it puts its padding, and record the answers: results/torch_padding.json. Seconds.

    pip install torch && python tools/record_torch_padding.py

PyTorch is no requirement of the book; any environment will do that has it, NumPy and this package.
"""

import sys
import time

import torch

from cnnbook import results

# size, kernel size, stride, PyTorch's padding
CASES = [
    (28, 3, 1, "same"),
    (28, 4, 1, "same"),
    (28, 3, 2, 1),
    (224, 7, 2, 3),
    (28, 3, 2, "same"),
    (224, 7, 2, "same"),
]


def zeros_on_each_side(out, x, kernel, stride):
    """The (before, after) with which a convolution without padding gives exactly `out`."""
    found = []
    for before in range(kernel.shape[-1]):
        for after in range(kernel.shape[-1]):
            padded = torch.nn.functional.pad(x, (before, after, before, after))
            other = torch.nn.functional.conv2d(padded, kernel, stride=stride)
            if other.shape == out.shape and torch.allclose(other, out):
                found.append([before, after])
    return found[-1]  # with a stride, a last zero that no window touches changes nothing: count it


def ask(size, kernel_size, stride, padding):
    """One case: the size of what comes out and where the zeros are, or PyTorch's refusal."""
    case = {"size": size, "kernel_size": kernel_size, "stride": stride, "padding": padding}
    x = torch.rand(1, 1, size, size, dtype=torch.float64)
    try:
        conv = torch.nn.Conv2d(1, 1, kernel_size, stride, padding, bias=False, dtype=torch.float64)
        out = conv(x)
    except ValueError as refusal:
        return case | {"refusal": str(refusal)}
    pads = zeros_on_each_side(out.detach(), x, conv.weight.detach(), stride)
    return case | {"output_size": out.shape[-1], "zeros": pads}


def main():
    start = time.monotonic()
    torch.manual_seed(0)
    answers = [ask(*case) for case in CASES]
    path = results.write(
        "torch_padding", {"answers": answers}, seconds=time.monotonic() - start, torch=torch.__version__
    )
    print(f"{len(answers)} answers: results/{path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
