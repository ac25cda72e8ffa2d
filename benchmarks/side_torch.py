"""PyTorch, eager, channels first: the same networks and convolutions. Needs nothing but torch and NumPy."""

import os

import numpy as np
import torch
from torch import nn

if threads := os.environ.get("OMP_NUM_THREADS"):
    torch.set_num_threads(int(threads))


def versions():
    return {"torch": torch.__version__.split("+")[0]}


class Rescale(nn.Module):
    def __init__(self, scale, offset=0.0):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x):
        return x * self.scale + self.offset


def network(name):
    def head(inputs):
        hidden = [nn.Linear(inputs, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.5)]
        return [nn.Flatten(), *hidden, nn.Linear(128, 10)]

    if name == "mlp":
        return nn.Sequential(Rescale(1 / 255), *head(784))
    if name == "fashion_cnn":
        blocks = []
        for channels, filters in ((1, 16), (16, 32)):
            blocks += [nn.Conv2d(channels, filters, 3, padding=1), nn.BatchNorm2d(filters)]
            blocks += [nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(Rescale(1 / 255), *blocks, *head(7 * 7 * 32))
    convs = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 6, 5, padding=2), nn.ReLU()]
    last = [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(14 * 14 * 6, 10)]
    return nn.Sequential(Rescale(1 / 255, -0.5), *convs, *last)


def prepare(part, case):
    rng = np.random.default_rng(0)
    if case.kind == "layer":
        return layer_step(case, rng)
    model = network(case.what)
    x = torch.from_numpy((255 * rng.random((case.batch, 1, 28, 28))).astype(np.float32))
    y = torch.from_numpy(rng.integers(0, 10, case.batch))
    if case.kind == "infer":
        model.eval()

        def answer():
            with torch.inference_mode():
                return model(x).numpy()

        return answer
    loss = nn.CrossEntropyLoss()
    if case.what == "small_cnn":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.005)
    else:
        optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-7)

    def step():
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value.item()

    return step


def layer_step(case, rng):
    what, (height, width, channels) = case.what, case.what["image"]
    strides, size = what.get("strides", 1), what["kernel_size"]
    conv = nn.Conv2d(channels, what["filters"], size, strides, padding=size // 2, bias=False)
    x = torch.from_numpy(rng.standard_normal((case.batch, channels, height, width), np.float32))
    x.requires_grad_(not what.get("first"))
    dout = torch.from_numpy(rng.standard_normal(tuple(conv(x).shape)).astype(np.float32))

    def step():
        conv.weight.grad = x.grad = None
        conv(x).backward(dout)

    return step
