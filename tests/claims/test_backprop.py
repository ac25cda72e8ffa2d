"""What the chapter on backprop says beyond its cells: hand examples, equations, the tape."""

import numpy as np
import pytest
from support.chapter_code import run_of
from support.slopes import measured

from cnnbook.gradcheck import check_gradient
from cnnbook.models import fashion_cnn
from cnnbook.nn import SoftmaxCrossEntropy
from cnnbook.widgets import GradientFlow

pytestmark = pytest.mark.keras

rng = np.random.default_rng(0)


@pytest.fixture(scope="module", name="page")
def _page():
    return run_of("backprop")


# ---------------------------------------------------------------- see it, say it


def test_the_table_gives_every_number_of_the_first_example_its_gradient(page):
    assert page["loss_of"](3, 2, 1) == 4
    assert measured([4], lambda e: e[0] ** 2, [2])
    assert measured([4, -4], lambda z: (z[0] - z[1] - 1) ** 2, [6, 3])
    assert measured([4, 12, -12], lambda at: page["loss_of"](*at), [3, 2, 1])


def walked_back(order):
    """The gradient of x = 2, where a = x^2, b = a^2, L = b + 3 a; the numbers pass it on in this order."""
    slopes = {"L": {"b": 1, "a": 3}, "b": {"a": 2 * 2**2}, "a": {"x": 2 * 2}}
    gradient = dict.fromkeys("Lbax", 0) | {"L": 1}
    for number in order:
        for user, slope in slopes[number].items():
            gradient[user] += gradient[number] * slope
    return gradient["x"]


def test_a_number_that_passes_its_gradient_on_before_all_its_uses_are_collected_loses_the_rest():
    assert measured([walked_back("Lba")], lambda x: x[0] ** 4 + 3 * x[0] ** 2, [2])
    assert walked_back("Lab") == 12 != walked_back("Lba")


@pytest.fixture(name="graph")
def _graph():
    """The graph of the figure: its loss as a function of (x, w, b, t), and the numbers it starts from."""
    start = GradientFlow(id="claim", view="graph")
    return lambda n: (max(n[1] * n[0] + n[2], 0) + n[0] - n[3]) ** 2, (start.x, start.w, start.b, start.t)


def test_in_the_graph_two_branches_add_18_and_6_to_the_gradient_of_x(graph):
    loss, (x, w, b, t) = graph
    upstream = 2 * (w * x + b + x - t)
    assert [upstream * w, upstream] == [18, 6]
    assert check_gradient("x", loss, np.array([x, w, b, t]), np.zeros(4)).slopes[1][0] == pytest.approx(
        18 + 6
    )


def test_with_a_bias_of_minus_8_the_weight_and_the_bias_of_the_graph_get_nothing(graph):
    loss, (x, w, _, t) = graph
    slopes = check_gradient("x, w, b, t", loss, np.array([x, w, -8, t]), np.zeros(4)).slopes[1]
    assert slopes[1:3].tolist() == [0, 0]


def test_the_dense_equations_with_matrices_are_the_measured_slopes():
    x, k, b, dout = (rng.standard_normal(shape) for shape in ((4, 3), (3, 2), 2, (4, 2)))
    assert measured(x.T @ dout, lambda k: (dout * (x @ k + b)).sum(), k)
    assert measured(dout @ k.T, lambda x: (dout * (x @ k + b)).sum(), x)
    assert measured(dout.sum(axis=0), lambda b: (dout * (x @ k + b)).sum(), b)


def test_the_dense_equations_with_indices_are_those_with_matrices():
    x, k, dout = (rng.standard_normal(shape) for shape in ((4, 3), (3, 2), (4, 2)))
    np.testing.assert_allclose(np.einsum("nd,nu->du", x, dout), x.T @ dout)
    np.testing.assert_allclose(np.einsum("nu,du->nd", dout, k), dout @ k.T)


def test_the_cross_entropy_can_be_written_with_scores_instead_of_probabilities():
    z, y = rng.standard_normal(5), 3
    with_scores = np.log(np.exp(z).sum()) - z[y]
    assert with_scores == pytest.approx(-np.log(np.exp(z[y]) / np.exp(z).sum()))
    assert with_scores == pytest.approx(SoftmaxCrossEntropy().forward(z[np.newaxis], np.array([y])))


def test_the_slope_of_minus_log_p_is_minus_one_over_p():
    assert measured([-5], lambda p: -np.log(p[0]), [1 / 5])


# ---------------------------------------------------------------- the tape


def formula(x, y):
    """Products, sums, differences, and intermediate numbers that are used several times."""
    a = x * y - x
    b = a * a + y
    return b * a - b * x


def test_the_tape_differentiates_a_formula_in_which_numbers_are_used_several_times(page):
    x, y = page["Number"](1.3), page["Number"](-0.7)
    page["backward"](formula(x, y))
    assert measured([x.gradient, y.gradient], lambda at: formula(*at), [1.3, -0.7])


def test_without_the_order_an_intermediate_number_that_is_used_twice_loses_a_part(page):
    assert page["found"] == {"backward": 44, "backward_too_early": 32}
    assert measured([44], lambda x: 3 * x[0] ** 2 + x[0] ** 4, [2])


def test_formulas_in_which_only_inputs_are_used_twice_come_out_right_without_the_order(page):
    x, y = page["Number"](1.3), page["Number"](-0.7)
    page["backward_too_early"](x * y + x - y * y)
    assert measured([x.gradient, y.gradient], lambda at: at[0] * at[1] + at[0] - at[1] ** 2, [1.3, -0.7])


def test_forward_mode_takes_one_walk_for_every_input_and_backward_one_for_all(page):
    assert page["leaves"] == 4 * 3 + 3 * 2 + 4 * 2
    products, sums = 4 * 3 * 2 + 4 * 2, 4 * 2 * 2 + 4 * 2 - 1
    assert page["links"] == 2 * (products + sums)


def test_a_batch_of_the_main_network_leaves_more_behind_than_its_weights_take(page):
    network = fashion_cnn()
    network.build((28, 28, 1), seed=0)
    x = np.zeros((64, 28, 28, 1), np.float32)
    kept = 0
    for layer in network.layers:
        x = layer.forward(x)
        kept += x.nbytes
    assert kept / 1e6 == pytest.approx(page["megabytes"]["outputs of a batch of 64"])
    assert page["megabytes"]["outputs of a batch of 64"] > 5 * page["megabytes"]["weights"]


def arrays_in(kept):
    """All arrays in what a layer remembers, whatever tuples and lists they stand in."""
    if isinstance(kept, np.ndarray):
        return [kept]
    return [array for part in kept for array in arrays_in(part)] if isinstance(kept, tuple | list) else []


def test_the_library_keeps_less_than_all_outputs_and_still_several_times_its_weights(page):
    network = fashion_cnn()
    network.build((28, 28, 1), seed=0)
    network.forward(np.random.default_rng(0).random((64, 28, 28, 1), np.float32), training=True)
    kept = {id(a): a.nbytes for layer in network.layers for a in arrays_in(layer._memory)}
    megabytes = sum(kept.values()) / 1e6
    assert 3 * page["megabytes"]["weights"] < megabytes < page["megabytes"]["outputs of a batch of 64"]


def test_a_second_walk_on_the_same_graph_adds_to_the_gradients_of_the_first(page):
    x = page["Number"](3.0)
    square = x * x
    page["backward"](square)
    assert x.gradient == 6
    page["backward"](square)
    assert x.gradient > 6


def test_the_way_back_costs_a_few_times_the_way_forward_and_nudging_thousands(page):
    """Counted in products, not in seconds: each product of the way forward gives two on the way back."""
    assert page["parameters"] > 5_000
    assert all(len(number.uses) <= 2 for number in page["graph"])
