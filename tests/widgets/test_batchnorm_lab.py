"""batchnorm-lab: its arithmetic against the library's layer, its state, and what a reader meets."""

import numpy as np
import pytest
from support.widget_page import FAKE, broken, follows_the_theme, look_closely, on_paper, sides, status, wander

from cnnbook import nn
from cnnbook.widgets import BatchNormLab
from cnnbook.widgets.batchnorm_lab import SIZES

TAG = "batchnorm-lab"


def figure(**state):
    return BatchNormLab(**{"id": "fig", **state}).to_html()


def random_state(rng):
    return {
        "mode": str(rng.choice(["training", "inference"])),
        "batch_size": int(rng.choice(SIZES)),
        "gamma": float(rng.integers(-12, 13)) / 4,
        "beta": float(rng.integers(-20, 21)) / 4,
        "mean": int(rng.integers(-30, 31)),
        "std": int(rng.integers(0, 16)),
        "drift": str(rng.choice(["still", "drift", "jump"])),
        "momentum": float(rng.choice([0.5, 0.9, 0.99])),
        "step": int(rng.integers(0, 40 if rng.random() < 0.1 else 6)),
        "seed": int(rng.integers(0, 1000)),
    }


def by_the_layer(lab, state):
    """What the library's batch normalisation makes of the same batches."""
    layer = nn.BatchNormalization(momentum=state["momentum"])
    layer.build((1,), np.random.default_rng(0), np.float64)
    layer.params["gamma"][:], layer.params["beta"][:] = state["gamma"], state["beta"]
    for step in range(state["step"] + 1):
        out = layer.forward(lab.batch(step)[:, None], training=True)
    return (out if state["mode"] == "training" else layer.forward(lab.batch()[:, None]))[:, 0]


# ---------------------------------------------------------------- maths


@pytest.mark.pages
def test_the_page_and_the_librarys_layer_agree_on_two_thousand_states(load_module):
    rng = np.random.default_rng(0)
    states = [random_state(rng) for _ in range(2000)]
    page = load_module(BatchNormLab)
    got = page.evaluate(
        "(states) => states.map((s) => { const now = widget.scene(s); return [now.values, now.out]; })",
        states,
    )
    lab, wrong = BatchNormLab(id="a"), []
    for number, (state, (values, out)) in enumerate(zip(states, got, strict=True)):
        for name, value in state.items():
            setattr(lab, name, value)
        same = values == lab.batch().tolist() and np.allclose(out, lab.output(), rtol=1e-9, atol=1e-9)
        if same and number < 200:  # the layer is slow on forty batches of two
            same = np.allclose(out, by_the_layer(lab, state), rtol=1e-9, atol=1e-9)
        if not same:
            wrong.append(state)
    assert (len(wrong), wrong[:1]) == (0, [])


@pytest.mark.pages
def test_a_histogram_counts_every_value_once(load_module):
    rng = np.random.default_rng(1)
    page = load_module(BatchNormLab)
    for _ in range(20):
        values = rng.normal(0, 4, 50).round(3).tolist()
        counts = page.evaluate("(v) => widget.histogram(v, -5, 5, 10)", values)
        inside = np.clip(values, -5, 4.999)
        assert counts == np.histogram(inside, bins=10, range=(-5, 5))[0].tolist()


def test_every_batch_leaves_training_with_mean_beta_and_spread_gamma():
    for drift in ("still", "drift", "jump"):
        out = BatchNormLab(id="a", drift=drift, step=30, gamma=2, beta=-1, batch_size=64).output()
        assert out.mean() == pytest.approx(-1)
        assert out.std() == pytest.approx(2, rel=1e-3)


def test_at_inference_a_jump_of_the_inputs_goes_through():
    before, after = (
        BatchNormLab(id="a", mode="inference", drift="jump", momentum=0.99, batch_size=64, step=step).output()
        for step in (19, 20)
    )
    assert after.mean() - before.mean() > 2


# ---------------------------------------------------------------- state


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "mode",
            "test",
            "BatchNormLab: mode must be one of 'training', 'inference'. Received mode='test'. "
            "Choose one of them.",
        ),
        (
            "batch_size",
            3,
            "BatchNormLab: batch_size must be one of (2, 4, 8, 16, 32, 64). Received batch_size=3. "
            "Choose one of them.",
        ),
        ("gamma", 4, "BatchNormLab: gamma must be from -3 to 3. Received gamma=4. Choose one in that range."),
        (
            "step",
            40,
            "BatchNormLab: step must be an integer from 0 to 39. Received step=40. Choose one in that range.",
        ),
        (
            "mean",
            float("nan"),
            "BatchNormLab: mean must be a number from -1000000 to 1000000. Received mean=nan. Rescale it.",
        ),
    ],
)
def test_a_value_that_cannot_be_drawn_is_refused(name, value, message, refuses):
    lab = BatchNormLab(id="a")
    before = getattr(lab, name)
    with refuses(message):
        setattr(lab, name, value)
    assert getattr(lab, name) == before


def test_the_picture_says_its_sum():
    lab = BatchNormLab(id="a", mode="inference", step=7)
    assert lab.picture().count(lab.sentence()) == 2
    sum_, out = lab.sentence().replace("·", "*").replace("\u2212", "-").split(" = ")[1:]
    assert eval(sum_) == pytest.approx(float(out))


# ---------------------------------------------------------------- as a reader meets it


@pytest.mark.pages
@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1280, "dark")])
def test_it_can_be_seen_by_all_and_hit_by_a_finger(open_page, width, theme):
    page = open_page(figure(step=5), width=width, theme=theme)
    if page.locator("details:not([open])").count():
        page.locator("summary").click()
    page.get_by_role("button", name="Inference").click()
    assert look_closely(page, TAG, width) == []


@pytest.mark.pages
def test_the_sentence_is_true_whatever_is_chosen(open_page):
    page = open_page('<a href="#fig:mode=inference,batch_size=4,drift=jump,step=25">try</a>' + figure())

    def true():
        values, shown = sides(page)
        assert values == pytest.approx([shown] * len(values), rel=1e-9, abs=1e-9)
        assert not broken(page, TAG)

    true()
    page.get_by_role("combobox", name="Batch size").select_option("2")
    page.get_by_role("combobox", name="The inputs").select_option("drift")
    for name, key in (("gamma", "Home"), ("beta", "End"), ("Spread of the inputs", "Home")):
        page.get_by_role("slider", name=name).focus()
        page.keyboard.press(key)
        true()
    page.get_by_role("button", name="Inference").click()
    page.get_by_role("button", name="Last step").click()
    true()
    assert "moving statistics after 40 batches" in status(page)
    page.get_by_role("link").click()
    true()
    assert "after 26 batches" in status(page)
    page.get_by_role("application").focus()
    for key, at in (("ArrowLeft", 25), ("ArrowRight", 26), ("Home", 1), ("End", 40)):
        page.keyboard.press(key)
        assert page.locator(".count").inner_text() == f"batch {at} of 40"
    page.get_by_role("combobox", name="Speed").select_option("300")
    page.keyboard.press("Home")
    page.get_by_role("application").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    assert page.locator("[role=status]").get_attribute("aria-live") == "off"
    page.wait_for_function(
        "document.querySelector('batchnorm-lab').shadowRoot.querySelector('.count').textContent > 'batch 3'"
    )
    page.keyboard.press("Space")
    page.evaluate(
        "location.hash = '#fig:mode=7,batch_size=3,gamma=1e9,beta=,std=-0,momentum=2,mean=3.14159,=1'"
    )
    page.wait_for_timeout(50)
    true()
    page.get_by_role("button", name="Reset").click()
    assert page.get_by_role("button", name="Training").get_attribute("aria-pressed") == "true"
    assert follows_the_theme(page)
    assert on_paper(page, TAG) == []


@pytest.mark.pages
def test_sixty_random_interactions_raise_no_error(open_page):
    page = open_page(figure(), reduced_motion="reduce")
    wander(page, TAG)


@pytest.mark.pages
def test_python_and_the_page_hear_of_each_other(load_module):
    page = load_module(BatchNormLab)
    page.evaluate(FAKE)
    page.get_by_role("button", name="Inference").click()
    page.get_by_role("combobox", name="Batch size").select_option("8")
    page.get_by_role("button", name="One step on").click()
    sent = page.evaluate("Object.fromEntries(Object.keys(widget.DEFAULTS).map((n) => [n, model.get(n)]))")
    sent = {name: value for name, value in sent.items() if value is not None}
    assert (sent["mode"], sent["batch_size"], sent["step"]) == ("inference", 8, 1)
    BatchNormLab(id="twin", **sent)
    page.evaluate("assign('step', 9)")
    assert "after 10 batches" in status(page)
    page.evaluate("cleanup()")
