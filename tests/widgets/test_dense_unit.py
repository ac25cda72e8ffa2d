"""dense-unit: score and activations are the library's, drawing works with finger and keys."""

import numpy as np
import pytest
from pages import screen

from cnnbook import nn
from cnnbook.widgets import DenseUnit
from cnnbook.widgets.dense_unit import SLOPE, UNIT

STATES = 2000
LAYERS = {
    "relu": nn.ReLU(),
    "leaky_relu": nn.LeakyReLU(SLOPE),
    "sigmoid": nn.Sigmoid(),
    "tanh": nn.Tanh(),
}


def scattered(state, low, high):
    """Numbers that a page can make up as well as NumPy: sending 2,000 images to it would take minutes."""
    place = np.arange(784, dtype=np.int64)
    return low + (state * 7919 * (place + 1) + place * place * 31 + state * state * 17) % 10007 % (
        high - low + 1
    )


@pytest.mark.pages
def test_the_score_equals_the_dense_layer_on_2000_states(load_module):
    got = load_module(DenseUnit).evaluate(
        """(count) => {
            const scattered = (state, low, high) => Array.from({ length: 784 }, (_, place) => low
                + ((state * 7919 * (place + 1) + place * place * 31 + state * state * 17) % 10007)
                % (high - low + 1));
            const map = (values) => Array.from({ length: 28 }, (_, r) => values.slice(28 * r, 28 * r + 28));
            return Array.from({ length: count }, (_, state) => widget.score(
                map(scattered(state, 0, 9)), map(scattered(state + count, -9, 9)), (state % 19) - 9).z);
        }""",
        STATES,
    )
    dense = nn.Dense(1)
    dense.build((784,), np.random.default_rng(0), np.float64)
    right = []
    for state in range(STATES):
        dense.params["kernel"] = scattered(state + STATES, -9, 9).reshape(784, 1) / UNIT
        dense.params["bias"] = np.array([state % 19 - 9.0])
        right.append(dense.forward(scattered(state, 0, 9).reshape(1, 784).astype(float))[0, 0])
    assert np.ptp(right) > 5
    assert np.abs(np.array(got) - right).max() < 1e-9


@pytest.mark.pages
def test_activations_and_their_slopes_equal_the_layers_on_2000_scores(load_module):
    z = np.concatenate([[0.0, 40.0, -40.0, 800.0, -800.0], np.random.default_rng(1).normal(0, 4, STATES)])
    got = load_module(DenseUnit).evaluate(
        """z => Object.fromEntries(Object.entries(widget.ACTIVATIONS)
            .map(([name, { f, slope }]) => [name, [z.map(f), z.map(slope)]]))""",
        z.tolist(),
    )
    assert got["linear"] == [z.tolist(), [1] * len(z)]
    for name, layer in LAYERS.items():
        layer.build((len(z),), np.random.default_rng(0), np.float64)
        out = layer.forward(z[None], training=True)
        slope = layer.backward(np.ones_like(out))
        np.testing.assert_allclose(got[name], [out[0], slope[0]], rtol=1e-12, atol=1e-15, err_msg=name)


def test_bytes_floats_and_integers_become_the_same_ten_greys():
    ramp = np.tile(np.linspace(0, 1, 28), (28, 1))
    for image in (ramp, np.round(255 * ramp).astype(np.uint8), ramp[:, :, None], (255 * ramp).astype("f4")):
        figure = DenseUnit(id="a", images={"ramp": image})
        assert figure.image[0] == np.round(9 * ramp[0]).astype(int).tolist()
    assert DenseUnit(id="b", image=figure.image).image == figure.image


def test_weights_are_scaled_so_that_the_largest_is_nine():
    weights = np.zeros((28, 28))
    weights[0, :2] = 0.01, -0.02
    assert DenseUnit(id="a", template=weights).template[0][:3] == [4, -9, 0]


REFUSED = {
    "an image of another size": (
        {"image": np.zeros((8, 8))},
        "DenseUnit: image must be numbers of shape (28, 28). Received image of shape (8, 8) and type "
        "float64. Pass one grey image.",
    ),
    "an unknown name": (
        {"image": "boot"},
        "DenseUnit: image must be an array of shape (28, 28) or one of 'circle', 'stroke', 'cross', 'shirt'. "
        "Received image='boot'. Choose one of them.",
    ),
    "images that are no dict": (
        {"images": [1]},
        "DenseUnit: images must be a dict of 1 to 12 names and arrays of shape (28, 28). Received images of "
        "type list. Write {'boot': x_test[0]}.",
    ),
    "a pixel too bright": (
        {"image": np.full((28, 28), 10)},
        "DenseUnit: image must hold integers from 0 to 9, bytes or floats. Received image with 10. "
        "Rescale it first.",
    ),
    "a bias that is none": (
        {"bias": float("nan")},
        "DenseUnit: bias must be a number from -1000000 to 1000000. Received bias=nan. Rescale it.",
    ),
    "an unknown activation": (
        {"activation": "softmax"},
        "DenseUnit: activation must be one of 'relu', 'leaky_relu', 'sigmoid', 'tanh', 'linear'. Received "
        "activation='softmax'. Choose one of them.",
    ),
    "a pixel outside": (
        {"pixel": (0, 28)},
        "DenseUnit: pixel must be an integer from 0 to 27. Received pixel=28. Choose one in that range.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_refused(refuses, case):
    given, message = REFUSED[case]
    with refuses(message):
        DenseUnit(id="a", **given)


def status(page):
    return page.locator("[role=status]").inner_text()


@pytest.mark.pages
def test_python_and_the_page_say_the_same_score_for_every_activation(open_page):
    figure = DenseUnit(id="fig", bias=-0.25, image="cross", template="stroke")
    page = open_page(figure.to_html())
    for name in ("relu", "leaky_relu", "sigmoid", "tanh", "linear"):
        page.get_by_role("combobox", name="Activation").select_option(name)
        figure.activation = name
        assert figure.sentence() in status(page)
        assert screen.false_sums(status(page)) == []
        z = screen.said_sums(status(page))[1][1][-1]
        box = page.locator(".result b").first
        shown = box.get_attribute("title") or box.inner_text()
        assert float(shown.replace("\u2212", "-")) == z == pytest.approx(figure.score())


@pytest.mark.pages
def test_the_image_is_drawn_by_mouse_and_rubbed_out_by_keys(open_page):
    page = open_page(DenseUnit(id="fig").to_html())
    page.get_by_role("combobox", name="Input").select_option("blank")
    assert "z = (0 + 0) / 2000 + 0 = 0;" in status(page)
    page.get_by_role("button", name="Draw").click()
    board = page.get_by_role("application")
    box = board.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=20)
    page.mouse.up()
    assert page.get_by_role("combobox", name="Input").input_value() == "custom"
    drawn = status(page)
    assert "(0 + 0)" not in drawn
    page.get_by_role("button", name="Erase").click()
    board.focus()
    page.keyboard.press("Enter")  # rubs out around pixel [13, 13], in the middle of the stroke
    assert status(page) != drawn
    assert "Pixel [13, 13]: 0·" in status(page)
    page.get_by_role("button", name="Input as template").click()
    assert screen.false_sums(status(page)) == []
    page.get_by_role("button", name="Clear").click()
    assert "(0 + 0)" in status(page)


@pytest.mark.pages
def test_arrows_walk_the_pixels_and_a_tap_inspects_one(open_page):
    page = open_page(DenseUnit(id="fig").to_html())
    board = page.get_by_role("application")
    board.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert "Pixel [12, 14]" in status(page)
    assert "Pixel [12, 14]" in board.get_attribute("aria-label")
    box = board.bounding_box()
    board.click(position={"x": box["width"] - 3, "y": 3})
    assert "Pixel [0, 27]" in status(page)
    page.keyboard.press("ArrowRight")
    assert "Pixel [0, 27]" in status(page)


@pytest.mark.pages
@pytest.mark.parametrize("wild", ["", "abc", "1e9", "-0", "3.14159", "Infinity", "1,5"])
def test_a_wild_bias_never_breaks_the_figure(open_page, wild):
    page = open_page(DenseUnit(id="fig").to_html())
    field = page.get_by_label("Bias b")
    field.fill(wild)
    field.press("Enter")
    text = page.locator(".widget").inner_text() + status(page)
    assert "NaN" not in text
    assert "undefined" not in text
    assert screen.false_sums(status(page).split(": the old one stays.")[-1]) == []
    assert field.input_value() == {"3.14159": "3.14159", "1,5": "1.5"}.get(wild, "0")


@pytest.mark.pages
def test_the_reader_guesses_the_template_that_scores_highest(open_page):
    page = open_page(DenseUnit(id="fig", image="shirt", predict=True).to_html())
    assert "= ?" in status(page)
    page.get_by_role("button", name="circle ?").click()
    assert "Not yet" in status(page)
    page.get_by_role("button", name="shirt ?").click()
    assert "Right: no other template scores higher." in status(page)
    scores = page.get_by_role("group", name="Template").get_by_role("button").all_inner_texts()
    assert [text.count("▲") for text in scores] == [0, 0, 0, 1]


@pytest.mark.pages
def test_the_sign_of_a_weight_does_not_hang_on_colour_alone(open_page):
    page = open_page(DenseUnit(id="fig").to_html())
    path = """(colour) => [...document.querySelector("#fig").shadowRoot.querySelectorAll(".pixels path")]
        .filter((path) => path.getAttribute("style").includes(colour))
        .map((path) => path.getAttribute("d").match(/h([\\d.]+)/)[1])"""
    assert set(page.evaluate(path, "--pos")) == {"1"}
    assert set(page.evaluate(path, "--neg")) == {"0.64"}


@pytest.mark.pages
def test_a_phone_shows_input_template_product_curve_and_score_on_one_screen(open_page):
    page = open_page(DenseUnit(id="fig").to_html(), width=390)
    boxes = [box.bounding_box() for box in page.locator(".board, .sum").all()]
    assert len(boxes) == 5
    assert max(box["y"] + box["height"] for box in boxes) - min(box["y"] for box in boxes) <= 844 - 60
