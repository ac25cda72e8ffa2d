"""What the page "Notation" claims, one test each; the arrays are those of the page's own cells."""

import re

import numpy as np
import pytest
from support.chapter_code import run_of
from support.project_files import ROOT

from cnnbook.shapes import pad_amounts

TEXT = (ROOT / "chapters" / "notation.md").read_text("utf-8")


@pytest.fixture(scope="module")
def page():
    return run_of("notation")


def test_transpose_leaves_every_pixel_in_its_channel(page):
    stacked = page["stacked"]
    assert all((stacked.transpose(2, 0, 1)[c] == stacked[:, :, c]).all() for c in range(3))


def test_reshape_puts_pixels_into_the_wrong_channel(page):
    assert (page["misread"][0] != page["stacked"][:, :, 0]).any()


def test_same_puts_the_odd_zero_last_where_symmetric_padding_has_one_on_each_side():
    assert pad_amounts(28, 3, 2, padding="same") == (0, 1)


def test_a_layer_that_receives_the_wrong_order_says_what_to_do(page):
    assert "x.transpose(0, 2, 3, 1)" in page.printed[-1]


@pytest.mark.keras
def test_the_moving_variance_divides_by_the_number_of_values_and_old_fused_batch_norm_by_one_less():
    from cnnbook.keras_twin import keras, tf

    x = np.random.default_rng(0).standard_normal((2, 3, 3, 1)).astype(np.float32)
    theirs = keras.layers.BatchNormalization(momentum=0.0)
    theirs(x, training=True)
    _, _, old = tf.compat.v1.nn.fused_batch_norm(x, scale=[1.0], offset=[0.0])
    assert theirs.moving_variance.numpy() == pytest.approx(x.var(), rel=1e-5)
    assert old.numpy() == pytest.approx(x.var(ddof=1), rel=1e-5)


@pytest.mark.keras
def test_max_pooling_gives_a_tie_to_the_first_maximum_and_global_maxima_share_it_equally():
    from cnnbook.keras_twin import keras, tf

    def gradient(maximum):
        tie = tf.ones((1, 2, 2, 1))
        with tf.GradientTape() as tape:
            tape.watch(tie)
            out = maximum(tie)
        return tape.gradient(out, tie).numpy().ravel().tolist()

    assert gradient(keras.layers.MaxPooling2D(2)) == [1, 0, 0, 0]
    assert gradient(keras.layers.GlobalMaxPooling2D()) == gradient(tf.reduce_max) == [1 / 4] * 4


# ---------------------------------------------------------------- one letter, one meaning

GREEK = r"alpha|beta|gamma|delta|epsilon|varepsilon|eta|theta|lambda|mu|rho|sigma|tau|phi|pi|omega"
SPECIFICATIONS = r"\\begin\{array\}\{[^}]*\}"
WORDS = SPECIFICATIONS + r"|\\(?:text|mathrm|operatorname|mathbf|label|begin|end)\{[^}]*\}|\\dL(?=\{)"


def letters(formula):
    """The letters of a formula, Latin and Greek, without words and commands."""
    formula = re.sub(WORDS, "", formula)
    greek = set(re.findall(rf"\\({GREEK})(?![a-z])", formula))
    return greek | set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", formula)))


def formulas(text):
    """The displayed formulas of a page, without those in its cells."""
    return re.findall(
        r"\$\$(.+?)\$\$",
        re.sub(r"^```\{(?!math).*?^```", "", text, flags=re.DOTALL | re.MULTILINE),
        re.DOTALL,
    )


def table_of_letters():
    """Every letter in the first columns of the tables of letters, and the decay rates named below them."""
    part = TEXT.split("## Letters")[1].split("## Words")[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("|")]
    listed = set().union(
        *(letters(formula) for cell in cells for formula in re.findall(r"\$([^$]+)\$", cell))
    )
    assert r"its decay rates are" in part.replace("\n", " ")
    return listed | {"rho"}


PAGES = [*sorted((ROOT / "chapters").glob("*.md")), *sorted((ROOT / "coursework").glob("*/source.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_a_letter_of_a_displayed_formula_stands_in_the_table_or_the_page_says_what_it_is(page):
    text = page.read_text("utf-8")
    borrowed = set().union(*(letters(formula) for formula in formulas(text))) - table_of_letters()
    around = re.sub(r"\$\$.+?\$\$", "", text, flags=re.DOTALL)
    said = set().union(*(letters(formula) for formula in re.findall(r"\$([^$]+)\$", around)))
    assert borrowed <= said
    assert len(borrowed) <= 4


def test_a_letter_that_no_page_explains_would_be_seen():
    assert letters(r"\dL{x} = \text{relu}(q) \cdot \tau") == {"x", "q", "tau"}
