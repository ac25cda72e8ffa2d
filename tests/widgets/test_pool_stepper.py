"""pool-stepper: its arithmetic is the library's, its traits refuse what cannot be drawn, its figure obeys."""

import numpy as np
import pytest
from pages import screen

from cnnbook import nn
from cnnbook.widgets import PoolStepper

STATES = 2000
LAYERS = {"max": nn.MaxPooling2D, "average": nn.AveragePooling2D}


def random_state(rng):
    """Small numbers, so that most windows hold ties; odd sizes, so that strides drop rows."""
    size, stride = (int(n) for n in rng.integers(1, 5, 2))
    padding = ("valid", "same")[rng.integers(2)]
    low = size if padding == "valid" else 1
    return {
        "image": rng.integers(-3, 4, rng.integers(low, 9, 2)),
        "mode": ("max", "average")[rng.integers(2)],
        "pool_size": size,
        "stride": stride,
        "padding": padding,
    }


def library(state, dout):
    """Pool and route back with the book's own layer."""
    layer = LAYERS[state["mode"]](state["pool_size"], state["stride"], state["padding"])
    x = state["image"].astype(np.float64)[None, :, :, None]
    layer.build(x.shape[1:], np.random.default_rng(0), np.float64)
    out = layer.forward(x, training=True)
    return out[0, :, :, 0], layer.backward(dout[None, :, :, None])[0, :, :, 0]


@pytest.mark.pages
def test_forward_and_routing_equal_the_library_on_2000_states(load_module):
    rng = np.random.default_rng(0)
    states, expected = [], []
    while len(states) < STATES:
        state = random_state(rng)
        figure = PoolStepper(id="a", **state) if len(states) % 100 == 0 else None
        shape = nn.MaxPooling2D(state["pool_size"], state["stride"], state["padding"])
        out_shape = shape.output_shape((*state["image"].shape, 1))[:2]
        dout = rng.integers(-9, 10, out_shape).astype(np.float64)
        expected.append(library(state, dout))
        states.append({**state, "image": state["image"].tolist(), "dout": dout.tolist()})
        if figure:
            np.testing.assert_allclose(figure.output(), expected[-1][0])
    got = load_module(PoolStepper).evaluate(
        "states => states.map((s) => [widget.pool(s), widget.inputGradient(s, s.dout)])", states
    )
    wrong = [
        state
        for state, answer, right in zip(states, got, expected, strict=True)
        if not all(np.allclose(a, b, rtol=0, atol=1e-12) for a, b in zip(answer, right, strict=True))
    ]
    assert (len(wrong), wrong[:1]) == (0, [])


@pytest.mark.pages
def test_a_tie_sends_everything_to_the_first_and_padding_never_wins(load_module):
    page = load_module(PoolStepper)
    tie = {**{"mode": "max", "pool_size": 2, "stride": 2, "padding": "valid"}, "image": [[0, 5], [5, 5]]}
    assert page.evaluate("s => widget.inputGradient(s, [[7]])", tie) == [[0, 7], [0, 0]]
    negative = {**tie, "image": [[-4]], "padding": "same"}
    assert page.evaluate("s => widget.pool(s)", negative) == [[-4]]


REFUSED = {
    "an unknown mode": (
        {"mode": "min"},
        "PoolStepper: mode must be one of 'max', 'average'. Received mode='min'. Choose one of them.",
    ),
    "a window larger than the image": (
        {"image": [[1, 2], [3, 4]], "pool_size": 3},
        "PoolStepper: a window of 3 pixels does not fit on 2 pixels with padding='valid'. Use "
        "padding='same' or a smaller pool_size.",
    ),
    "a step behind the last": (
        {"step": 9},
        "PoolStepper: step must be below 9, the number of windows. Received step=9. "
        "Count from 0, row by row.",
    ),
    "a stride that is no integer": (
        {"stride": 1.5},
        "PoolStepper: stride must be an integer from 1 to 4. Received stride=1.5. Choose one in that range.",
    ),
    "a photograph": (
        {"image": np.zeros((28, 28))},
        "PoolStepper: image must be numbers of shape (H, W), each axis 1 to 12 long. Received image of shape "
        "(28, 28). Cut a small patch out of a larger array.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_refused(refuses, case):
    given, message = REFUSED[case]
    with refuses(message):
        PoolStepper(id="a", **given)


def test_a_change_keeps_the_step_inside():
    figure = PoolStepper(id="a", step=8)
    figure.stride = 4
    assert figure.step == 3


def cells(page, grid):
    return page.get_by_role("grid", name=grid, exact=True).get_by_role("gridcell")


def status(page):
    return page.locator("[role=status]").inner_text()


def shown(page):
    """The last number of the sum, as the figure shows it."""
    box = page.locator(".result b")
    return float((box.get_attribute("title") or box.inner_text()).replace("\u2212", "-"))


# Every step: what is said, and the number that is shown.
WALK = """() => {
    const root = document.querySelector("#fig").shadowRoot, steps = [];
    const next = root.querySelector("[aria-label='One step on']");
    const note = () => {
        const box = root.querySelector(".result b");
        steps.push([root.querySelector("[role=status]").textContent, box.title || box.textContent]);
    };
    for (note(); next.ariaDisabled !== "true"; note()) next.click();
    return steps.map(([said, shown]) => [said, shown.replace("\u2212", "-")]);
}"""


@pytest.mark.pages
@pytest.mark.parametrize("view", ["forward", "backward"])
@pytest.mark.parametrize("mode", ["max", "average"])
def test_every_step_says_a_true_sum_that_ends_in_what_is_shown(open_page, mode, view):
    state = {"mode": mode, "view": view, "padding": "same", "stride": 1, "pool_size": 3}
    page = open_page(
        PoolStepper(id="fig", image=[[1, -2, 3, 3], [0, 3, -5, 1], [2, 2, 2, 2]], **state).to_html()
    )
    steps = page.evaluate(WALK)
    assert len(steps) == 12
    for said, shown_ in steps:
        assert screen.false_sums(said) == []
        assert screen.said_sums(said)[-1][1][-1] == pytest.approx(float(shown_), abs=1e-9)
    assert page.locator(".count").inner_text() == "12 of 12"


@pytest.mark.pages
def test_the_winner_is_ringed_and_a_tie_is_named(open_page):
    page = open_page(PoolStepper(id="fig", step=4).to_html())
    assert page.locator(".won").count() == 1
    assert (
        page.locator(".won")
        .get_attribute("aria-label")
        .startswith("row 2, column 2: 3, in the window, the max")
    )
    assert page.locator(".cell.tied").count() == 1
    assert "2 pixels tie: the first, row by row, counts." in status(page)
    page.get_by_role("button", name="Average").click()
    assert page.locator(".won, .cell.tied").count() == 0
    page.get_by_role("combobox", name="Image").select_option("digit")
    assert page.locator(".skip").count() == 13
    assert "13 dropped" in page.locator(".size").first.inner_text()


@pytest.mark.pages
def test_arrows_walk_space_plays_numbers_are_edited_and_wild_ones_refused(open_page):
    page = open_page(PoolStepper(id="fig").to_html())
    cells(page, "Output").first.focus()
    for key, at in (("ArrowRight", 2), ("ArrowDown", 5), ("End", 9), ("Home", 1)):
        page.keyboard.press(key)
        assert page.locator(".count").inner_text() == f"{at} of 9"
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Pause").count() == 1
    page.keyboard.press("Space")
    for wild in ("", "abc", "1e9", "-0", "3.14159", "<b>", "9"):
        cells(page, "Input").first.click()
        page.keyboard.press("Control+A")
        page.keyboard.type(wild)
        page.keyboard.press("Enter")
        assert "NaN" not in page.locator(".widget").inner_text() + status(page)
        assert screen.false_sums(status(page)) == []
    assert shown(page) == 9
    page.get_by_role("button", name="Backward").click()
    douts = cells(page, "dout, the gradient of the outputs")
    douts.nth(3).click()  # the first tap goes there
    assert page.locator(".count").inner_text() == "4 of 9"
    douts.nth(3).click()  # the second edits
    page.keyboard.type("-2")
    page.keyboard.press("Enter")
    assert "= 0 + (\u22122) = \u22122." in status(page)


@pytest.mark.pages
def test_the_reader_guesses_the_winner_before_it_is_shown(open_page):
    page = open_page(PoolStepper(id="fig", predict=True, step=4).to_html())
    assert "= ?" in status(page)
    assert page.locator(".won, .tied").count() == 0
    quiz = cells(page, "Input, tap the winner")
    quiz.nth(0).click()
    assert "not in the window" in status(page)
    quiz.nth(3 * 6 + 3).click()
    assert "Not yet: the window holds more than 1." in status(page)
    quiz.nth(2 * 6 + 3).click()
    assert "not the first" in status(page)
    page.get_by_role("button", name="Next one").click()
    assert "Answer first" in status(page)
    quiz.nth(2 * 6 + 2).click()
    assert "Right, and of 2 equal numbers the first wins." in status(page)
    assert shown(page) == 3
    page.get_by_role("button", name="Next one").click()
    page.get_by_role("button", name="Average").click()
    field = page.get_by_label("Your prediction")
    for text, answer in (("x", "Type a number"), ("3", "too low"), ("4", "Right.")):
        field.fill(text)
        field.press("Enter")
        assert answer in status(page)


@pytest.mark.pages
def test_a_window_that_does_not_fit_is_refused_in_words(open_page):
    page = open_page(PoolStepper(id="fig", image=[[1, 2], [3, 4]]).to_html())
    page.get_by_role("combobox", name="Window").select_option("4")
    assert "a 4\u00d74 window does not fit" in status(page)
    assert page.get_by_role("combobox", name="Window").input_value() == "2"


@pytest.mark.pages
def test_a_phone_shows_input_output_and_sum_on_one_screen(open_page):
    page = open_page(
        PoolStepper(id="fig", view="backward", image=np.ones((7, 7)), stride=1).to_html(), width=390
    )
    boxes = [box.bounding_box() for box in page.locator(".panel:visible, .sum").all()]
    assert max(box["y"] + box["height"] for box in boxes) - min(box["y"] for box in boxes) <= 844 - 60


@pytest.mark.pages
def test_paper_gets_the_whole_output(open_page):
    page = open_page(PoolStepper(id="fig", step=4).to_html())
    page.emulate_media(media="print")
    page.wait_for_timeout(50)
    assert "".join(cells(page, "Output").all_inner_texts()) == "475836658"
