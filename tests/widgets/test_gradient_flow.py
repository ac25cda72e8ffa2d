"""gradient-flow: its arithmetic against NumPy and the library, its state, and what a reader meets."""

import math

import numpy as np
import pytest
from support.widget_page import (
    FAKE,
    WILD,
    broken,
    follows_the_theme,
    look_closely,
    on_paper,
    sides,
    status,
    wander,
)

from cnnbook import nn
from cnnbook.widgets import GradientFlow
from cnnbook.widgets.chance import normals
from cnnbook.widgets.gradient_flow import ACTIVATIONS, BATCH, INITS, UNITS

TAG = "gradient-flow"
LAYERS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


def figure(**state):
    return GradientFlow(**{"id": "fig", **state}).to_html()


def sample(rng):
    return {
        "init": str(rng.choice(list(INITS))),
        "activation": str(rng.choice(list(ACTIVATIONS))),
        "batchnorm": bool(rng.integers(2)),
        "depth": int(rng.integers(2, 9)),
        "seed": int(rng.integers(0, 1000)),
    }


# ---------------------------------------------------------------- maths


@pytest.mark.parametrize("batchnorm", [False, True])
@pytest.mark.parametrize("activation", LAYERS)
def test_the_gradients_are_those_of_the_librarys_network(activation, batchnorm):
    flow = GradientFlow(id="a", activation=activation, batchnorm=batchnorm, depth=5, init="glorot", seed=3)
    layers = []
    for _ in range(5):
        layers += [nn.Dense(UNITS, use_bias=False)]
        layers += [nn.BatchNormalization()] if batchnorm else []
        layers += [LAYERS[activation]()]
    model = nn.Sequential(layers)
    model.build((UNITS,), dtype=np.float64)
    dense = [layer for layer in layers if isinstance(layer, nn.Dense)]
    for number, layer in enumerate(dense):
        drawn = normals(3 + 1000 + number, UNITS * UNITS).reshape(UNITS, UNITS)
        layer.params["kernel"][:] = drawn * INITS["glorot"][1]
    x, dout = (normals(seed, BATCH * UNITS).reshape(BATCH, UNITS) for seed in (3, 2003))
    model.forward(x, training=True)
    lengths, d = [], dout / BATCH
    for layer in reversed(layers):
        if isinstance(layer, tuple(LAYERS.values())):
            lengths.insert(0, np.linalg.norm(d))
        d = layer.backward(d)
    np.testing.assert_allclose(flow.lengths(), lengths, rtol=1e-9)


@pytest.mark.pages
def test_the_page_computes_as_numpy_does_on_two_thousand_states(load_module):
    rng = np.random.default_rng(0)
    deep = [sample(rng) for _ in range(100)]
    small = [
        {
            "activation": str(rng.choice(list(ACTIVATIONS))),
            **dict(zip("xwbt", rng.integers(-9, 10, 4).tolist(), strict=True)),
        }
        for _ in range(1900)
    ]
    page = load_module(GradientFlow)
    lengths, chains = page.evaluate(
        """([deep, small]) => [deep.map((s) => widget.lengthsOf(s, s.init)),
            small.map((s) => widget.chain(s).map(({ value }) => value))]""",
        [deep, small],
    )
    flow, wrong = GradientFlow(id="a"), []
    for state, got in [*zip(deep, lengths, strict=True), *zip(small, chains, strict=True)]:
        for name, value in state.items():
            setattr(flow, name, value)
        expected = flow.lengths() if "init" in state else list(flow.chain().values())
        exact = "init" not in state and state["activation"] in ("relu", "linear")
        if not (got == expected if exact else np.allclose(got, expected, rtol=1e-9, atol=1e-9)):
            wrong.append(state)
    assert (len(wrong), wrong[:1]) == (0, [])


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_chain_rule_agrees_with_finite_differences(activation):
    def loss(**numbers):
        return GradientFlow(id="a", activation=activation, **numbers).chain()["L"]

    numbers = {"x": 0.5, "w": 1.25, "b": -0.25, "t": 0.75}
    flow = GradientFlow(id="a", activation=activation, **numbers).chain()
    for name in "xwb":
        up, down = ({**numbers, name: numbers[name] + step} for step in (1e-4, -1e-4))
        assert flow[f"d{name}"] == pytest.approx((loss(**up) - loss(**down)) / 2e-4, rel=1e-5)


# ---------------------------------------------------------------- state


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "view",
            "all",
            "GradientFlow: view must be one of 'depth', 'graph'. Received view='all'. Choose one of them.",
        ),
        (
            "init",
            "zeros",
            "GradientFlow: init must be one of 'one', 'window', 'glorot', 'he'. Received init='zeros'. "
            "Choose one of them.",
        ),
        (
            "batchnorm",
            1,
            "GradientFlow: batchnorm must be True or False. Received batchnorm=1. Pass a bool.",
        ),
        (
            "depth",
            25,
            "GradientFlow: depth must be an integer from 2 to 24. Received depth=25. "
            "Choose one in that range.",
        ),
        (
            "x",
            math.inf,
            "GradientFlow: x must be a number from -1000000 to 1000000. Received x=inf. Rescale it.",
        ),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused(name, value, message, refuses):
    flow = GradientFlow(id="a")
    before = getattr(flow, name)
    with refuses(message):
        setattr(flow, name, value)
    assert getattr(flow, name) == before


@pytest.mark.parametrize("x", [-1000, 1000])
def test_a_sigmoid_far_out_is_flat_and_not_nan(x):
    at_the_end = GradientFlow(id="a", view="graph", activation="sigmoid", w=1000, x=x, step=11)
    assert "nan" not in at_the_end.sentence()
    assert "dx = " in at_the_end.sentence()


def test_a_bad_start_vanishes_or_explodes_and_batch_norm_makes_all_starts_alike():
    def first(init, **state):
        lengths = GradientFlow(id="a", init=init, depth=12, **state).lengths()
        return lengths[0] / lengths[-1]

    assert first("window") < 1e-3 < 0.1 < first("he") < 10 < 1e5 < first("one")
    ends = [first(init, batchnorm=True) for init in INITS]
    assert max(ends) / min(ends) < 1.5


@pytest.mark.parametrize("view", ["depth", "graph"])
def test_the_picture_says_what_it_shows(view):
    flow = GradientFlow(id="a", view=view, step=11)
    assert flow.picture().count(flow.sentence().replace("'", "&#x27;")) == 2
    assert ("dx = 24" in flow.picture()) == (view == "graph")


# ---------------------------------------------------------------- as a reader meets it


@pytest.mark.pages
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_it_can_be_seen_by_all_and_hit_by_a_finger(open_page, width, theme):
    page = open_page(figure(), width=width, theme=theme)
    if page.locator("details:not([open])").count():
        page.locator("summary").click()
    assert look_closely(page, TAG, width) == []
    page.get_by_role("button", name="Chain rule").click()
    page.get_by_role("button", name="Last step").click()
    assert look_closely(page, TAG, width) == []


@pytest.mark.pages
def test_the_sentence_adds_up_at_every_step_of_the_graph(open_page):
    page = open_page(figure(view="graph"))
    for step in range(12):
        values, shown = sides(page)
        assert values == pytest.approx([shown] * len(values), rel=1e-11)
        assert page.locator(".count").inner_text() == f"{step + 1} of 12"
        if step < 11:
            page.get_by_role("button", name="One step on").click()
    assert shown == 24
    assert "Two ways lead out of x" in status(page)
    graph = page.get_by_role("application")
    graph.focus()
    for key, at in (("ArrowLeft", 11), ("Home", 1), ("ArrowRight", 2), ("End", 12)):
        page.keyboard.press(key)
        assert page.locator(".count").inner_text() == f"{at} of 12"
    page.keyboard.press("Space")
    assert page.locator("[role=status]").get_attribute("aria-live") == "off"
    page.keyboard.press("Space")
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"
    assert graph.evaluate("e => e === e.getRootNode().activeElement")
    field = page.get_by_role("textbox", name="x", exact=True)
    for wild in WILD:
        field.fill(wild)
        page.keyboard.press("Enter")
        assert not broken(page, TAG)
        values, shown = sides(page)
        assert values == pytest.approx([shown] * len(values), rel=1e-9)
    page.get_by_role("button", name="Reset").click()
    assert field.input_value() == "2"
    page.evaluate("location.hash = '#fig:view=depth'")
    page.get_by_role("combobox", name="Activation").wait_for()
    page.get_by_role("button", name="Reset").click()  # back to the graph: the button pressed is gone
    inside = "e => e.shadowRoot.activeElement?.textContent"
    assert page.locator(TAG).evaluate(inside) == "Reset"


@pytest.mark.pages
def test_the_share_that_arrives_is_a_division_that_is_true(open_page):
    page = open_page('<a href="#fig:init=window,depth=20">try</a>' + figure())
    for init in ("std 1", "randn/k²", "Glorot", "He"):
        page.get_by_role("button", name=init).click()
        values, shown = sides(page)
        assert values == pytest.approx([shown] * len(values), rel=1e-9)
        assert page.get_by_role("button", name=init).get_attribute("aria-pressed") == "true"
    page.get_by_role("link").click()
    assert "The gradient vanishes" in status(page)
    assert "20 layers" in status(page)
    page.get_by_role("combobox", name="Activation").select_option("sigmoid")
    page.get_by_role("checkbox").check()
    assert "sigmoid, with batch norm" in status(page)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    assert "21 layers" in status(page)
    page.evaluate("location.hash = '#fig:init=7,depth=-1,activation=,view=x,batchnorm=2,x=NaN,step=99,=3'")
    page.wait_for_timeout(50)
    assert "He, ReLU, without batch norm, 12 layers" in status(page)
    assert follows_the_theme(page)
    assert on_paper(page, TAG) == []


@pytest.mark.pages
def test_sixty_random_interactions_raise_no_error(open_page):
    wander(open_page(figure(), reduced_motion="reduce"), TAG)


@pytest.mark.pages
def test_python_and_the_page_hear_of_each_other(load_module):
    page = load_module(GradientFlow)
    page.evaluate(FAKE)
    page.get_by_role("button", name="std 1").click()
    page.get_by_role("button", name="Chain rule").click()
    page.get_by_role("button", name="One step on").click()
    page.get_by_role("textbox", name="w", exact=True).fill("-1.5")
    page.keyboard.press("Enter")
    sent = page.evaluate("Object.fromEntries(Object.keys(widget.DEFAULTS).map((n) => [n, model.get(n)]))")
    sent = {name: value for name, value in sent.items() if value is not None}
    assert (sent["init"], sent["view"], sent["step"], sent["w"]) == ("one", "graph", 1, -1.5)
    GradientFlow(id="twin", **sent)
    page.evaluate("assign('step', 4)")
    assert "L = " in status(page)
    page.evaluate("cleanup()")
