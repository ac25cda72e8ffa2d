"""conv-stepper as a reader meets it: by keyboard, by touch, by link, in both themes, on a phone, on paper."""

import random
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from support.widget_page import FAKE, status

from cnnbook.widgets import ConvStepper

pytestmark = pytest.mark.pages
ROOT = "document.querySelector('conv-stepper').shadowRoot"
VIEWS = ("forward", "im2col", "channels", "backward")


def figure(**state):
    return ConvStepper(**{"id": "fig", **state}).to_html()


def evaluated(sentence):
    """Both sides of every '=' of the status sentence, as numbers."""
    sums = sentence[sentence.index("] = ") + 4 :].removesuffix(".")
    return [eval(side.replace("\u2212", "-").replace("·", "*")) for side in sums.split(" = ")]


def number(text):
    return float(text.replace("\u2212", "-").replace("≈", ""))


def output(page):
    return page.get_by_role("grid", name="Output", exact=True)


def cell(page, grid, row, column):
    return (
        page.get_by_role("grid", name=grid, exact=True)
        .get_by_role("row")
        .nth(row)
        .get_by_role("gridcell")
        .nth(column)
    )


def choice(page, name):
    return page.get_by_role("combobox", name=name, exact=True)


def type_into(page, grid, row, column, text):
    cell(page, grid, row, column).click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def focused(page):
    return page.evaluate(
        """() => {
            const inner = document.querySelector("conv-stepper").shadowRoot.activeElement;
            return inner && (inner.getAttribute("aria-label") || inner.textContent);
        }"""
    )


def current(page):
    """The step shown, counted from 0."""
    return int(page.locator(".count").inner_text().split()[0]) - 1


# ---------------------------------------------------------------- the sum


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"padding": "same", "stride": 2, "kernel": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]},
        {"padding": 2, "pad_mode": "reflect", "dilation": 2},
        {"kernel": [[0.1, 0.2], [0.3, -0.7]], "image": [[1.5, 2, -3], [0.25, 1e6, 9], [7, 7, 7]]},
        {"view": "channels"},
        {"view": "backward", "padding": "same"},
        {"view": "backward", "target": "weight", "stride": 2},
    ],
    ids=str,
)
def test_the_status_sentence_evaluates_to_the_shown_output_at_every_step(open_page, state):
    page = open_page(figure(**state))
    count = int(page.locator(".count").inner_text().split()[-1])
    for step in range(count):
        assert current(page) == step
        values = evaluated(status(page))
        shown = page.locator(".result b")
        exact = number(shown.get_attribute("title") or shown.inner_text())
        assert values == pytest.approx([exact] * len(values), rel=1e-11, abs=1e-11)
        if step < count - 1:
            page.get_by_role("button", name="One step on").click()


def test_the_hand_example_fills_cell_by_cell_and_what_is_to_come_is_empty(open_page):
    page = open_page(figure())
    assert [text.strip() for text in output(page).locator(".cell").all_inner_texts()] == ["4"] + [""] * 8
    page.get_by_role("button", name="Last step").click()
    assert [text.strip() for text in output(page).locator(".cell").all_inner_texts()] == list("434243234")


def test_the_sum_is_grouped_by_kernel_row(open_page):
    page = open_page(figure())
    rows = [re.sub(r"\s+", " ", row).strip() for row in page.locator(".sum tr").all_inner_texts()]
    assert rows == [
        "kernel row 0 1·1 + 1·0 + 1·1 = 2",
        "kernel row 1 0·0 + 1·1 + 1·0 = 1",
        "kernel row 2 0·1 + 0·0 + 1·1 = 1",
    ]


def test_im2col_shows_the_patch_matrix_and_its_product(open_page):
    page = open_page(figure(view="im2col", step=8))
    patches = page.get_by_role("table", name="Patch matrix, one window a row")
    rows = ["".join(row.split()) for row in patches.get_by_role("row").all_inner_texts()]
    assert rows[0] == "111011001"  # the window at (0, 0), row by row
    assert rows[8] == "111110100"
    assert "".join(page.get_by_role("table", name="Output as a column").inner_text().split()) == "434243234"


def test_rows_of_the_patch_matrix_not_reached_yet_are_empty(open_page):
    page = open_page(figure(view="im2col", step=4))
    patches = page.get_by_role("table", name="Patch matrix, one window a row")
    filled = [bool(row.strip()) for row in patches.get_by_role("row").all_inner_texts()]
    assert filled == [True] * 5 + [False] * 4


def test_channels_show_one_map_a_filter_and_count_parameters(open_page):
    page = open_page(figure(view="channels", step=8))
    assert page.get_by_role("grid", name=re.compile("Output, filter")).count() == 2
    assert "3·3·2·2 + 2 = 38 parameters" in page.locator("conv-stepper").locator(".formula").inner_text()
    page.get_by_role("grid", name="Output, filter 1").locator(".cell").nth(4).click()
    assert "out[1, 1, 1]" in status(page)


def test_backward_spells_out_which_outputs_a_pixel_feeds(open_page):
    page = open_page(figure(view="backward", kernel=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], dout=[[1, 0, 0]] * 3))
    flipped = page.get_by_role("table", name="Kernel turned by half a turn")
    assert "".join(flipped.inner_text().split()) == "987654321"
    cell(page, "Gradient", 2, 2).click()
    assert "Input pixel (2, 2) feeds 9 outputs" in status(page)
    assert evaluated(status(page))[-1] == 9 + 6 + 3
    page.get_by_role("button", name="Pick a weight").click()
    assert "dkernel[0, 0]" in status(page)


# ---------------------------------------------------------------- keyboard and focus


def test_arrows_walk_the_window_and_space_plays_and_pauses(open_page):
    page = open_page(figure())
    cell(page, "Output", 0, 0).focus()
    for key, step in (
        ("ArrowRight", 1),
        ("ArrowDown", 4),
        ("ArrowLeft", 3),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("End", 8),
    ):
        page.keyboard.press(key)
        assert current(page) == step
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Pause").count() == 1
    page.wait_for_function(
        "document.querySelector('conv-stepper').shadowRoot.querySelector('.count').textContent > '2'"
    )
    page.keyboard.press("Space")
    assert page.get_by_role("button", name="Play").count() == 1
    assert focused(page).startswith("out[")  # the focus walked along


def test_every_control_is_reached_by_tab_and_grids_are_one_stop_each(open_page):
    page = open_page(figure())
    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = focused(page)
        if name is None:
            break
        stops.append(name)
    for wanted in (
        "Forward",
        "Backward",
        "First step",
        "Play",
        "Last step",
        "Step",
        "Reset",
        "Image, kernel and settings",
    ):
        assert wanted in stops
    assert sum(stop.startswith("row ") for stop in stops) == 1
    assert sum(stop.startswith("weight row ") for stop in stops) == 1
    assert sum(stop.startswith("out[") for stop in stops) == 1


def test_keys_are_not_stolen_from_inputs(open_page):
    page = open_page(figure(step=4))
    cell(page, "Input", 2, 2).click()
    page.keyboard.type("12")
    for key in ("ArrowLeft", "ArrowUp", "Home", "Space", "Delete"):
        page.keyboard.press(key)
    assert current(page) == 4
    assert page.locator("input.edit").input_value() == " 2"
    page.keyboard.press("Escape")
    choice(page, "Stride").focus()
    page.keyboard.press("ArrowDown")
    assert (choice(page, "Stride").input_value(), page.get_by_role("button", name="Pause").count()) == (
        "2",
        0,
    )
    page.get_by_role("slider", name="Step").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert current(page) == 1


def test_the_page_scrolls_with_space_when_the_figure_is_not_in_use(open_page):
    page = open_page(figure() + "<p></p><p></p>")
    page.keyboard.press("Space")
    page.wait_for_function("scrollY > 0")
    assert page.get_by_role("button", name="Pause").count() == 0


def test_the_focus_survives_every_redraw(open_page):
    page = open_page(figure())
    cell(page, "Input", 1, 3).focus()
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert focused(page).startswith("row 1, column 3: 5")
    cell(page, "Output", 2, 2).focus()
    page.evaluate("location.hash = '#fig:stride=2'")  # the grid under the focus shrinks
    page.wait_for_function(
        "document.querySelector('conv-stepper').shadowRoot.querySelector('.count').textContent === '1 of 4'"
    )
    assert focused(page).startswith("out[")
    for label, value in (("Padding", "same"), ("Dilation", "2"), ("Image", "digit"), ("Kernel", "blur")):
        choice(page, label).focus()
        choice(page, label).select_option(value)
        assert (
            page.evaluate("document.querySelector('conv-stepper').shadowRoot.activeElement.tagName")
            == "SELECT"
        )
    page.get_by_role("button", name="Channels").click()
    assert focused(page) == "Channels"


# ---------------------------------------------------------------- editing and predicting


def test_a_tapped_number_is_edited_in_place(open_page):
    page = open_page(figure())
    type_into(page, "Input", 0, 0, "-3")
    type_into(page, "Kernel", 0, 0, "0.5")
    assert evaluated(status(page))[-1] == -1.5 + 1 + 1 + 1
    assert choice(page, "Image").input_value() == "custom"


@pytest.mark.parametrize(
    "wild", ["", "abc", "1e9", "-0", "3.14159", "NaN", "Infinity", "<b>", "1/3", "\u22127", "1e-9"]
)
def test_wild_values_never_break_the_figure(open_page, wild):
    page = open_page(figure())
    for view in VIEWS:
        page.get_by_role("button", name=re.compile(f"^{view}$", re.IGNORECASE)).click()
        grid = {"channels": "Input, channel 1", "backward": "Kernel"}.get(view, "Input")
        type_into(page, grid, 1, 1, wild)
        text = page.locator(".widget").inner_text()
        assert not re.search(r"NaN|undefined|Infinity(?!”)|null", text.replace(f"“{wild}”", ""))
        values = evaluated(status(page))
        assert values == pytest.approx([values[-1]] * len(values))
    page.get_by_role("button", name="Reset").click()
    assert evaluated(status(page))[-1] == 4


def test_a_refused_number_is_explained_and_the_old_one_stays(open_page):
    page = open_page(figure())
    type_into(page, "Input", 0, 0, "ten")
    assert "“ten” is not a number between \u22121000000 and 1000000: the old one stays." in status(page)
    assert cell(page, "Input", 0, 0).inner_text().split()[0] == "1"


def test_a_setting_that_does_not_fit_is_refused_in_words(open_page):
    page = open_page(figure())
    choice(page, "Dilation").select_option("3")
    assert "a window spanning 7 pixels does not fit 5 rows or columns" in status(page)
    assert choice(page, "Dilation").input_value() == "1"


def test_prediction_hides_the_result_until_it_is_typed(open_page):
    page = open_page(figure(predict=True))
    assert status(page).endswith("= ?.")
    assert output(page).locator(".cell").first.inner_text().strip() == "?"
    field = page.get_by_label("Your prediction")
    field.fill("6")
    page.keyboard.press("Enter")
    assert "Not yet: 6 is 2 too high." in status(page)
    field.fill("4")
    page.keyboard.press("Enter")
    assert evaluated(status(page))[-1] == 4
    assert focused(page) == "Next one"
    page.keyboard.press("Enter")
    assert focused(page) == "Your prediction"
    assert (current(page), status(page)[-2:]) == (1, "?.")
    page.get_by_role("button", name="Show").click()
    assert evaluated(status(page))[-1] == 3


# ---------------------------------------------------------------- settings


def test_the_formula_marks_the_numbers_the_last_change_altered(open_page):
    page = open_page(figure())
    assert page.locator("mark").count() == 0
    choice(page, "Stride").select_option("2")
    assert page.locator("mark").all_inner_texts() == ["2", "2"]  # the stride and the size
    assert "⌊(5 + 0 + 0 \u2212 1·(3 \u2212 1) \u2212 1) / 2⌋ + 1 = 2" in page.locator(".formula").inner_text()
    page.get_by_role("button", name="One step on").click()
    assert page.locator("mark").count() == 2


def test_padding_draws_its_ring_and_a_stride_hatches_what_it_drops(open_page):
    page = open_page(figure(image=[[1] * 6] * 6))
    assert page.locator(".ring").count() == 0
    choice(page, "Stride").select_option("2")
    assert page.locator(".skip").count() == 11  # the last row and the last column of six
    assert "never read" in cell(page, "Input", 5, 5).get_attribute("aria-label")
    choice(page, "Padding").select_option("1")
    assert page.locator(".ring").count() == 64 - 36


def test_window_and_output_share_colour_line_and_label(open_page):
    page = open_page(figure())
    looks = page.evaluate(
        """() => [...document.querySelector("conv-stepper").shadowRoot.querySelectorAll(".frames i")]
            .filter((mark) => mark.offsetParent && !mark.matches(".image"))
            .map((mark) => getComputedStyle(mark))
            .map((look) => [look.borderTopColor, look.borderTopStyle, look.borderTopWidth])"""
    )
    assert len(looks) == 2
    assert looks[0] == looks[1]
    assert page.locator(".tag:visible").all_inner_texts() == ["window", "out[0, 0]"]


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("stride=2,padding=same", "1 of 9"),
        ("image=digit,kernel=sobel-x", "1 of 25"),
        ("view=backward,target=weight,step=4", "5 of 9"),
        ("kernel=1_0/0_-1", "1 of 16"),
        ("stride=99,padding=full,view=none,step=-1,image=7,nonsense,=3", "1 of 9"),
    ],
)
def test_a_link_in_the_prose_drives_the_figure(open_page, link, said):
    page = open_page(f'<a href="#fig:{link}">try</a><p></p>' + figure(step=0))
    before = page.evaluate("history.length")
    for _ in range(2):  # the second time the address does not change
        page.get_by_role("link").click()
        assert page.locator(".count").inner_text() == said
        page.get_by_role("button", name="Last step").click()
    assert page.evaluate("history.length") == before
    assert page.evaluate("document.querySelector('conv-stepper').getBoundingClientRect().top < innerHeight")


def test_the_address_a_reader_arrives_with_sets_the_state(open_page):
    page = open_page("<p></p>" + figure() + ConvStepper(id="other").to_html(), fragment="#other:stride=2")
    assert page.locator(".count").all_inner_texts() == ["1 of 9", "1 of 4"]
    assert page.evaluate("scrollY") > 0


def test_two_figures_on_a_page_are_two_figures(open_page):
    page = open_page(figure() + ConvStepper(id="other", stride=2).to_html())
    page.locator("#other").get_by_role("button", name="One step on").click()
    assert page.locator(".count").all_inner_texts() == ["1 of 9", "2 of 4"]


# ---------------------------------------------------------------- looks, themes, paper


def background(page):
    return page.locator(".widget").evaluate("element => getComputedStyle(element).backgroundColor")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_axe_finds_nothing(open_page, view, width, theme):
    state = {
        "view": view,
        "padding": "same",
        "stride": 2,
        "image": [[9, 0, -4, 3, 2, 1]] * 6,
        "predict": view == "im2col",
    }
    page = open_page(figure(**state), width=width, theme=theme)
    page.locator("summary").click()
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    assert [f"{v['id']}: {v['nodes'][0]['target']}" for v in found.response["violations"]] == []
    unsure = [v for v in found.response["incomplete"] if v["id"] == "color-contrast"]
    texts = page.evaluate(CONTRASTS)
    assert texts == [], unsure


# Every text against the colour under it, the hatching counted as its own darkest part.
CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (colour, under) => {
        canvas.globalAlpha = 1;
        for (const fill of [under, colour]) { canvas.fillStyle = fill; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    const light = (c) => c.map((v) => linear(v / 255))
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const ratio = (a, b) => {
        const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    const root = document.querySelector("conv-stepper").shadowRoot;
    const page = getComputedStyle(document.body).backgroundColor;
    const low = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        const shown = walker.currentNode.textContent.trim() && element.getClientRects().length;
        if (!shown || element.closest("[aria-disabled=true]")) continue;
        const chain = [];
        for (let e = element; e; e = e.parentElement) chain.unshift(getComputedStyle(e).backgroundColor);
        let under = page;
        for (const colour of chain) under = `rgb(${rgb(colour, under)})`;
        const value = ratio(rgb(getComputedStyle(element).color, under), rgb(under, under));
        if (value < 4.5) low.push([walker.currentNode.textContent, element.className, value]);
    }
    for (const mark of root.querySelectorAll(".frames i:not(.image, [hidden])")) {
        if (!mark.offsetParent) continue;
        for (const cell of mark.closest(".holder").querySelectorAll(".cell")) {
            let under = page;
            under = `rgb(${rgb(getComputedStyle(cell).backgroundColor, under)})`;
            const value = ratio(rgb(getComputedStyle(mark).borderTopColor, under), rgb(under, under));
            if (value < 3) low.push(["mark", cell.textContent, value]);
        }
    }
    return low;
}"""


def test_the_theme_is_followed_without_a_reload(open_page):
    page = open_page(figure(), theme="light")
    light = background(page)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(
        f"was => getComputedStyle({ROOT}.firstChild).backgroundColor !== was",
        arg=light,
    )
    dark = background(page)
    page.evaluate(
        "document.documentElement.removeAttribute('data-theme'); document.body.dataset.jpThemeLight = 'false'"
    )
    page.wait_for_timeout(50)
    assert background(page) == dark
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    page.wait_for_timeout(50)
    assert background(page) == light
    page.evaluate("delete document.body.dataset.jpThemeLight")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(50)
    assert background(page) == dark


TARGETS = """() => [...document.querySelector("conv-stepper").shadowRoot.querySelectorAll(
    "button, select, .answer input, .check, summary, input[type=range], [role=gridcell]")]
    .filter((e) => e.getClientRects().length)
    .map((e) => { const box = e.getBoundingClientRect(), cell = e.matches(".cell"), edge = cell ? 32 : 44;
        return Math.min(box.height, box.width) >= edge ? null : [e.textContent, box.width, box.height]; })
    .filter(Boolean)"""


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("view", VIEWS)
def test_targets_are_large_and_the_page_never_scrolls_sideways(open_page, width, view):
    page = open_page(figure(view=view, predict=True, padding="same", image=[[1] * 7] * 7), width=width)
    if width < 560:
        page.locator("summary").click()
    assert page.evaluate(TARGETS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    "state", [{}, {"image": [[1] * 7] * 7, "padding": "same"}, {"view": "im2col"}], ids=str
)
def test_a_phone_shows_input_kernel_output_and_sum_on_one_screen(open_page, state):
    page = open_page(figure(**state), width=390)
    tops = page.evaluate(
        """() => { const root = document.querySelector("conv-stepper").shadowRoot;
            const boxes = [...root.querySelectorAll(".panel, .sum")]
                .filter((e) => e.offsetParent && !e.closest(".product"))
                .map((e) => e.getBoundingClientRect());
            return Math.max(...boxes.map((b) => b.bottom)) - Math.min(...boxes.map((b) => b.top)); }"""
    )
    assert tops <= 844 - 60  # the theme's header stays on top


def test_nothing_plays_by_itself_and_the_live_region_is_silent_while_playing(open_page):
    page = open_page(figure())
    page.wait_for_timeout(1200)
    assert current(page) == 0
    live = page.locator("[role=status]")
    assert live.get_attribute("aria-live") == "polite"
    choice(page, "Speed").select_option("3\u00d7")
    page.get_by_role("button", name="Play").click()
    assert live.get_attribute("aria-live") == "off"
    page.get_by_role("button", name="Play").wait_for()  # it stops at the end by itself
    assert (current(page), live.get_attribute("aria-live")) == (8, "polite")


def test_reduced_motion_means_no_transition(open_page):
    lasts = "parseFloat(getComputedStyle(e).transitionDuration)"
    moving = f"[...{ROOT}.querySelectorAll('*')].filter(e => {lasts} > 0).length"
    assert open_page(figure()).evaluate(moving) > 0
    assert open_page(figure(), reduced_motion="reduce").evaluate(moving) == 0


def test_paper_gets_the_whole_output_and_the_sum_and_no_controls(open_page):
    page = open_page(figure(step=4), theme="dark")
    page.emulate_media(media="print")
    page.wait_for_timeout(50)
    assert page.locator("button:visible, select:visible, input:visible, summary:visible").count() == 0
    assert "".join(output(page).inner_text().split()) == "434243234"
    assert page.locator(".sum").is_visible()
    assert background(page) == "rgb(255, 255, 255)"


def test_forced_colours_keep_the_window_and_the_dropped_cells(open_page):
    page = open_page(figure(image=[[1] * 6] * 6, stride=2), forced_colors="active")
    assert (
        page.locator(".frames i:not(.image)").first.evaluate("e => getComputedStyle(e).borderTopStyle")
        == "solid"
    )
    assert page.locator(".skip").first.evaluate("e => getComputedStyle(e).borderTopStyle") == "dotted"


def test_without_javascript_the_picture_and_its_sentence_are_there(open_page):
    page = open_page(figure(step=4), java_script_enabled=False)
    picture = page.locator("conv-stepper svg")
    assert picture.is_visible()
    assert page.locator("figcaption").inner_text() == picture.get_attribute("aria-label")
    assert evaluated(page.locator("figcaption").inner_text())[-1] == 4


def test_sixty_random_interactions_raise_no_error(open_page):
    page = open_page(figure())
    chance = random.Random(0)
    for _ in range(60):
        controls = page.locator("conv-stepper").locator(
            "button:visible, select:visible, [role=gridcell]:visible, input:visible"
        )
        control = controls.nth(chance.randrange(controls.count()))
        kind = control.evaluate("e => e.tagName + (e.type || '')")
        if kind.startswith("SELECT"):
            options = control.locator("option").all()
            control.select_option(index=chance.randrange(len(options)))
        else:
            control.click(force=True)
            page.keyboard.press(
                chance.choice(["Enter", "ArrowRight", "ArrowDown", "Space", "7", "-", "Escape", "x", "End"])
            )
    page.get_by_role("button", name="Reset").click()
    assert evaluated(status(page))[-1] == 4


# ---------------------------------------------------------------- live


def test_a_model_with_only_get_set_and_on_is_enough(load_module):
    page = load_module(ConvStepper)
    page.evaluate(FAKE)
    page.get_by_role("button", name="One step on").click()
    assert page.evaluate("model.get('step')") == 1
    type_into(page, "Input", 0, 0, "9")
    assert page.evaluate("model.get('image')[0][0]") == 9
    page.evaluate("assign('stride', 2)")
    assert page.locator(".count").inner_text() == "2 of 4"
    page.evaluate("assign('step', 3)")
    assert "out[1, 1]" in status(page)
    page.evaluate("cleanup()")


def test_the_model_hears_of_a_step_once_and_of_nothing_else(load_module):
    page = load_module(ConvStepper)
    page.evaluate(FAKE)
    page.evaluate("for (const n in widget.DEFAULTS) model.set(n, widget.DEFAULTS[n]); writes.length = 0;")
    choice(page, "Speed").select_option("3\u00d7")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Play").wait_for()
    assert page.evaluate("writes") == ["step"] * 8


def test_python_accepts_everything_the_figure_sends(load_module):
    page = load_module(ConvStepper)
    page.evaluate(FAKE)
    for view in ("im2col", "Channels", "Backward", "Pick a weight"):
        page.get_by_role("button", name=view).click()
    choice(page, "Stride").select_option("2")
    sent = page.evaluate(
        "Object.fromEntries(Object.keys(widget.DEFAULTS).map((name) => [name, model.get(name)]))"
    )
    twin = ConvStepper(id="twin", **{name: value for name, value in sent.items() if value is not None})
    assert (twin.view, twin.target, twin.stride) == ("backward", "weight", 2)
    assert twin.bias == [1, 0]


def test_a_model_that_answers_every_write_does_not_tear_a_change_apart(load_module):
    page = load_module(ConvStepper)
    page.evaluate(FAKE)
    page.evaluate("model.set = assign")  # as Jupyter's models do: each write tells the listeners
    page.get_by_role("button", name="Channels").click()
    assert page.get_by_role("grid", name=re.compile("Output, filter")).count() == 2
    assert page.evaluate("model.get('bias')") == [1, 0]
