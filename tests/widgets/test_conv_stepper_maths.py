"""The arithmetic of conv_stepper.js against NumPy: 2,000 random states in a browser, none may differ."""

import numpy as np
import pytest

from cnnbook.widgets import ConvStepper

pytestmark = pytest.mark.pages
STATES = 2000


def random_state(rng):
    """Telling shapes: height and width differ, even kernels, strides that drop rows, every padding."""
    while True:
        height, width, kernel_height, kernel_width = rng.integers(1, [8, 8, 5, 5])
        state = {
            "stride": int(rng.integers(1, 4)),
            "dilation": int(rng.integers(1, 4)),
            "padding": [0, "valid", "same", 1, 2, 3][rng.integers(6)],
            "pad_mode": ["zero", "reflect", "edge"][rng.integers(3)],
        }
        image = rng.integers(-9, 10, (height, width))
        kernel = rng.integers(-9, 10, (kernel_height, kernel_width))
        pads = [pads_of(size, taps, **state) for size, taps in zip(image.shape, kernel.shape, strict=True)]
        sizes = [size + sum(pad) for size, pad in zip(image.shape, pads, strict=True)]
        spans = [state["dilation"] * (taps - 1) + 1 for taps in kernel.shape]
        out = [(size - span) // state["stride"] + 1 for size, span in zip(sizes, spans, strict=True)]
        if min(out) > 0:
            dout = rng.integers(-9, 10, out)
            return {"image": image, "kernel": kernel, "dout": dout, "pads": pads, **state}


def pads_of(size, taps, stride, dilation, padding, **_):
    if padding == "same":
        needed = max((-(-size // stride) - 1) * stride + dilation * (taps - 1) + 1 - size, 0)
        return needed // 2, needed - needed // 2
    return (0, 0) if padding == "valid" else (padding, padding)


def padded(image, pads, pad_mode):
    return np.pad(image, pads, mode={"zero": "constant"}.get(pad_mode, pad_mode))


def loop(state):
    """Convolve by four plain loops; also give the patch matrix."""
    image, kernel = padded(state["image"], state["pads"], state["pad_mode"]), state["kernel"]
    out = np.zeros(state["dout"].shape, dtype=int)
    patches = []
    for i, j in np.ndindex(*out.shape):
        patch = []
        for u, v in np.ndindex(*kernel.shape):
            pixel = image[
                i * state["stride"] + u * state["dilation"], j * state["stride"] + v * state["dilation"]
            ]
            patch.append(int(pixel))
            out[i, j] += pixel * kernel[u, v]
        patches.append(patch)
    return out.tolist(), patches


def channel_map(state, image, kernel):
    return np.array(loop({**state, "image": image, "kernel": kernel})[0])


def score(image, kernel, state):
    """The number whose gradient is asked for: <dout, convolution>."""
    image = padded(image, state["pads"], state["pad_mode"])
    (rows, columns), stride, dilation = state["dout"].shape, state["stride"], state["dilation"]
    total = 0
    for u, v in np.ndindex(*kernel.shape):
        top, left = u * dilation, v * dilation
        seen = image[
            top : top + stride * (rows - 1) + 1 : stride, left : left + stride * (columns - 1) + 1 : stride
        ]
        total += kernel[u, v] * (seen * state["dout"]).sum()
    return int(total)


def finite_differences(state):
    """Exact, because the score is linear in the image and in the kernel: one up minus where it was."""
    start = score(state["image"], state["kernel"], state)
    gradients = []
    for name in ("image", "kernel"):
        gradient = np.zeros(state[name].shape, dtype=int)
        for place in np.ndindex(*gradient.shape):
            moved = {"image": state["image"], "kernel": state["kernel"], name: state[name].copy()}
            moved[name][place] += 1
            gradient[place] = score(**moved, state=state) - start
        gradients.append(gradient.tolist())
    return gradients


def plain(state):
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in state.items()}


@pytest.fixture
def answers(load_module):
    """Ask the module about many states in one go."""
    page = load_module(ConvStepper)

    def ask(states, expression):
        return page.evaluate(f"states => states.map((s) => {expression})", [plain(state) for state in states])

    return ask


def test_forward_and_im2col_equal_the_plain_loops(answers):
    rng = np.random.default_rng(0)
    states = [random_state(rng) for _ in range(STATES)]
    got = answers(states, "[widget.convolve(s.image, s.kernel, s), widget.im2col(s.image, s.kernel, s)]")
    wrong = [state for state, answer in zip(states, got, strict=True) if tuple(answer) != loop(state)]
    assert (len(wrong), wrong[:1]) == (0, [])


def test_both_gradients_equal_finite_differences(answers):
    rng = np.random.default_rng(1)
    states = [random_state(rng) for _ in range(STATES)]
    call = "(s.image, s.kernel, s.dout, s)"
    got = answers(states, f"[widget.inputGradient{call}, widget.kernelGradient{call}]")
    wrong = [state for state, answer in zip(states, got, strict=True) if answer != finite_differences(state)]
    assert (len(wrong), wrong[:1]) == (0, [])


def test_channels_are_summed_per_filter(answers):
    rng = np.random.default_rng(2)
    states, expected = [], []
    for _ in range(200):
        state = random_state(rng)
        channels, filters = rng.integers(1, 4, 2)
        image = rng.integers(-9, 10, (*state["image"].shape, channels))
        kernel = rng.integers(-9, 10, (*state["kernel"].shape, channels, filters))
        bias = rng.integers(-9, 10, filters)
        slices = [
            sum(
                np.array(loop({**state, "image": image[..., c], "kernel": kernel[..., c, f]})[0])
                for c in range(channels)
            )
            for f in range(filters)
        ]
        expected.append([(part + offset).tolist() for part, offset in zip(slices, bias, strict=True)])
        states.append({**state, "image": image, "kernel": kernel, "bias": bias})
    assert answers(states, "widget.convolveChannels(s.image, s.kernel, s.bias, s)") == expected


def test_hatched_pixels_are_exactly_those_no_window_reads(answers):
    rng = np.random.default_rng(3)
    states = [random_state(rng) for _ in range(300)]
    got = answers(
        states,
        """(() => {
            const shape = widget.geometry(s.image, s.kernel, s);
            const lost = widget.unread(shape);
            return widget.padInput(s.image, shape).map((row, r) => row.map((_, c) => lost(r, c)));
        })()""",
    )
    for state, lost in zip(states, got, strict=True):
        read = np.zeros(np.shape(lost), dtype=bool)
        for i, j in np.ndindex(*state["dout"].shape):
            top, left = i * state["stride"], j * state["stride"]
            span = [state["dilation"] * (taps - 1) + 1 for taps in state["kernel"].shape]
            read[top : top + span[0] : state["dilation"], left : left + span[1] : state["dilation"]] = True
        assert (~read).tolist() == lost


def test_whatever_comes_in_can_be_drawn(answers):
    rng = np.random.default_rng(4)
    wild = [None, "", "abc", -1, 0, 1, 2, 3, 1e9, 3.14159, True, [], [[]], [[1]], [[1, 2], [3]], [["a"]],
            "digit", [[[1, 2]], [[3, 4]]], [[[[1]]]], "same", "reflect", "backward", "channels", "weight",
            {}]  # fmt: skip
    names = [
        "image",
        "kernel",
        "bias",
        "stride",
        "padding",
        "pad_mode",
        "dilation",
        "step",
        "view",
        "target",
        "filter",
        "dout",
    ]
    states = [
        {name: wild[rng.integers(len(wild))] for name in names if rng.random() < 0.4} for _ in range(STATES)
    ]
    got = answers(
        states,
        """(() => {
            const state = widget.clean({ ...widget.DEFAULTS, ...s });
            const now = widget.scene(state);
            const text = widget.sumSentence(now) + JSON.stringify([now.result, state]);
            return text.includes("NaN") || text.includes("undefined") || now.result.length === 0
                || now.result[now.at[0]][now.at[1]] === undefined;
        })()""",
    )
    assert [state for state, broken in zip(states, got, strict=True) if broken] == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("", None), ("abc", None), ("1e9", None), ("-0", 0), ("3.14159", 3.14159),
     ("\u22122", -2), ("1,5", 1.5), (" 7 ", 7),
     ("Infinity", None), ("NaN", None), ("-1e-9", 0), ("0x10", 16), ("1 2", None), ("0.12345678", 0.123457)],
)  # fmt: skip
def test_a_typed_number_is_read_or_refused(load_module, text, number):
    page = load_module(ConvStepper)
    assert page.evaluate("text => [widget.parseNumber(text)]", text) == [number]
    assert page.evaluate("text => Object.is(widget.parseNumber(text), -0)", text) is False


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "3"), (-3, "\u22123"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (1 / 3, "\u22480.33"),
     (1000000, "1e6"), (-123456, "\u2248\u22121.2e5"),
     (3.14159, "\u22483.1"), (0, "0"), (99999, "99999"), (10.5, "10.5")],
)  # fmt: skip
def test_a_cell_shows_a_number_exactly_or_says_that_it_does_not(load_module, value, shown):
    assert load_module(ConvStepper).evaluate("value => widget.short(value, 4)", value) == shown
