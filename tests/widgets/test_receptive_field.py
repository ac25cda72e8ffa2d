"""receptive-field: sizes by formula are those of cnnbook.shapes and of plain counting; the figure obeys."""

import numpy as np
import pytest
from pages import screen

from cnnbook.shapes import output_size, pad_amounts, receptive_field
from cnnbook.widgets import ReceptiveField

STATES = 2000


def random_stack(rng):
    while True:
        size = int(rng.integers(4, 33))
        layers = [
            {
                "kind": "conv",
                "kernel": int(rng.integers(1, 8)),
                "stride": int(rng.integers(1, 4)),
                "dilation": int(rng.integers(1, 4)),
                "padding": ("valid", "same")[rng.integers(2)],
            }
            for _ in range(rng.integers(1, 7))
        ]
        units, windows = [size], []
        try:
            for layer in layers:
                window = layer["kernel"], layer["stride"], layer["dilation"], layer["padding"]
                windows.append((*window[:3], pad_amounts(units[-1], *window)[0]))
                units.append(output_size(units[-1], *window))
        except ValueError:
            continue
        level = int(rng.integers(0, len(layers) + 1))
        unit = int(rng.integers(units[level]))
        return {"size": size, "layers": layers, "layer": level, "unit": unit}, units, windows


def count(units, windows, level, unit):
    """Follow every wire, layer by layer, as a matrix of who reads whom."""
    below, above = np.arange(units[level]) == unit, np.arange(units[level]) == unit
    seen, fed = [below], [above]
    for at in range(level - 1, -1, -1):
        seen.insert(0, seen[0] @ wires(units, windows, at) > 0)
    for at in range(level, len(windows)):
        fed.append(wires(units, windows, at) @ fed[-1] > 0)
    return [np.flatnonzero(row).tolist() for row in seen], [np.flatnonzero(row).tolist() for row in fed]


def wires(units, windows, at):
    kernel, stride, dilation, before = windows[at]
    matrix = np.zeros((units[at + 1], units[at]))
    outs, taps = np.indices((units[at + 1], kernel))
    sources = outs * stride + taps * dilation - before
    real = (sources >= 0) & (sources < units[at])
    matrix[outs[real], sources[real]] = 1
    return matrix


@pytest.mark.pages
def test_sizes_and_both_directions_equal_shapes_and_counting_on_2000_stacks(load_module):
    rng = np.random.default_rng(0)
    cases = [random_stack(rng) for _ in range(STATES)]
    got = load_module(ReceptiveField).evaluate(
        """states => states.map(({ size, layers, layer, unit }) => {
            const stack = widget.stackOf(size, layers);
            const sorted = (sets) => sets.map((set) => [...set].sort((a, b) => a - b));
            const fields = widget.fields(stack).map((field) => [field.size, field.jump, field.start]);
            return [[size, ...stack.map(({ out }) => out)], fields,
                sorted(widget.seen(stack, layer, unit)), sorted(widget.fed(stack, layer, unit))];
        })""",
        [state for state, _, _ in cases],
    )
    wrong = []
    for (state, units, windows), answer in zip(cases, got, strict=True):
        fields = [list(receptive_field(windows[:k])) for k in range(len(windows) + 1)]
        if answer != [units, fields, *count(units, windows, state["layer"], state["unit"])]:
            wrong.append(state)
    assert (len(wrong), wrong[:1]) == (0, [])


@pytest.mark.pages
def test_where_nothing_is_cut_off_the_formula_is_what_counting_finds(load_module):
    """A unit in the middle of a wide input: as many pixels as the formula says, from where it says."""
    got = load_module(ReceptiveField).evaluate("""() => Object.values(widget.STACKS).map(([, layers]) => {
        const stack = widget.stackOf(400, layers), top = layers.length;
        const middle = Math.floor(stack.at(-1).out / 2);
        const { size, jump, start } = widget.fields(stack).at(-1);
        const seen = [...widget.seen(stack, top, middle)[0]].sort((a, b) => a - b);
        return [[size, start + middle * jump], [seen.length, seen[0]]];
    })""")
    assert [formula for formula, _ in got] == [counted for _, counted in got]


REFUSED = {
    "no layers": (
        {"layers": []},
        "ReceptiveField: layers must be a list of 1 to 6 layers. Received layers=[]. "
        'Write [{"kernel": 3}, {"kind": "pool", "kernel": 2}].',
    ),
    "a layer that is none": (
        {"layers": [3]},
        "ReceptiveField: a layer must be a dict with kernel, and perhaps kind, stride, dilation and padding. "
        'Received 3. Write {"kind": "pool", "kernel": 2}.',
    ),
    "a kernel too large": (
        {"layers": [{"kernel": 9}]},
        "ReceptiveField: kernel must be an integer from 1 to 7. Received kernel=9. Choose one in that range.",
    ),
    "a layer that does not fit": (
        {"size": 4, "layers": [{"kernel": 3}, {"kernel": 3}]},
        "ReceptiveField: layer 2: a window of 3 pixels does not fit on 2 pixels with padding='valid'. "
        "Use padding='same' or a smaller kernel_size.",
    ),
    "a layer above the last": (
        {"layer": 5},
        "ReceptiveField: layer must be at most 4, the number of layers. Received layer=5. 0 is the input.",
    ),
    "a unit behind the last": (
        {"unit": (3, 7)},
        "ReceptiveField: unit must be two indices below 7, the units a side of layer 4. "
        "Received unit=[3, 7]. Count from 0.",
    ),
    "an oblong image": (
        {"image": np.zeros((5, 6))},
        "ReceptiveField: image must be square, 4 to 32 pixels a side. Received image of shape (5, 6). "
        "Crop or pad it.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_drawn_is_refused(refuses, case):
    given, message = REFUSED[case]
    with refuses(message):
        ReceptiveField(id="a", **given)


def test_the_unit_stays_inside_when_the_stack_changes():
    figure = ReceptiveField(id="a", layer=1, unit=(27, 27))
    figure.layers = [{"kind": "pool", "kernel": 4}]
    assert (figure.unit, figure.field().size) == ([6, 6], 4)
    figure = ReceptiveField(id="b")
    figure.layers = [{"kernel": 3}]
    assert figure.layer == 1


def status(page):
    return page.locator("[role=status]").inner_text()


@pytest.mark.pages
def test_python_and_the_page_say_the_same_sum_for_every_layer(open_page):
    figure = ReceptiveField(id="fig")
    page = open_page(figure.to_html())
    page.get_by_role("application").focus()
    for layer in (4, 3, 2, 1, 0):
        figure.layer = layer
        unit = page.evaluate(
            "document.querySelector('#fig').shadowRoot.querySelector('[aria-label=Column]').value"
        )
        figure.unit = [int(unit)] * 2
        assert status(page).endswith(f" {figure.sentence()}.")
        assert screen.false_sums(status(page)) == []
        page.keyboard.press("ArrowDown")


@pytest.mark.pages
def test_tapping_dragging_keys_and_sliders_choose_the_same_unit(open_page):
    page = open_page(ReceptiveField(id="fig").to_html())
    tower = page.get_by_role("application")
    box = tower.bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] - 8)
    assert ", 0] reaches" in status(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 25)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 25, steps=3)
    page.mouse.up()
    assert "first column = \u22123 + 6·4 = 21" in status(page)
    assert "The rest lies in the padding." in status(page)
    page.keyboard.press("ArrowLeft")
    assert "\u22123 + 5·4" in status(page)
    page.keyboard.press("Home")
    assert "\u22123 + 0·4" in status(page)
    page.get_by_role("slider", name="Column").fill("2")
    assert "\u22123 + 2·4" in status(page)
    photo = page.locator(".photo").bounding_box()
    page.mouse.click(photo["x"] + photo["width"] * 0.5, photo["y"] + photo["height"] * 0.9)
    assert "rows 21 to 27, columns 9 to 18" in status(page)


@pytest.mark.pages
def test_the_stack_is_built_layer_by_layer(open_page):
    page = open_page(ReceptiveField(id="fig").to_html())
    for _ in range(3):
        page.get_by_role("button", name="Remove top").click()
    assert page.locator("tbody tr").count() == 1
    page.get_by_role("button", name="Remove top").click()
    assert "The last layer stays." in status(page)
    page.get_by_role("button", name="Add conv").click()
    page.get_by_role("combobox", name="Dilation").select_option("2")
    assert page.locator("tbody tr").first.inner_text().split("\t")[1:] == ["28", "7", "1", "\u22123"]
    page.get_by_role("combobox", name="Padding").select_option("valid")
    page.get_by_role("slider", name="Input").fill("8")
    page.get_by_role("combobox", name="Kernel").select_option("7")
    assert "does not fit" in status(page)
    assert page.get_by_role("combobox", name="Kernel").input_value() == "3"
    for _ in range(5):
        page.get_by_role("button", name="Add conv").click()
    assert "at most 6 layers" in status(page)


@pytest.mark.pages
def test_seen_fed_and_chosen_units_differ_in_more_than_colour(open_page):
    page = open_page(ReceptiveField(id="fig", layer=2, unit=(6, 6)).to_html())
    look = """(name) => { const style = getComputedStyle(document.querySelector("#fig").shadowRoot
        .querySelector(`.tower rect.${name}`)); return [style.strokeDasharray, style.fill]; }"""
    looks = {name: page.evaluate(look, name) for name in ("below", "me", "above")}
    assert looks["above"][0] != looks["below"][0]
    assert len({fill for _, fill in looks.values()}) == 3


@pytest.mark.pages
def test_a_phone_shows_layers_input_and_sum_on_one_screen(open_page):
    layers = [{"kernel": 3, "padding": "same"}] * 6
    page = open_page(ReceptiveField(id="fig", layers=layers).to_html(), width=390)
    boxes = [page.locator(each).bounding_box() for each in (".tower", ".photos", ".sum")]
    assert max(box["y"] + box["height"] for box in boxes) - min(box["y"] for box in boxes) <= 844 - 60
