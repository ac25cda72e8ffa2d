"""training-player: its arithmetic against replay.py, its state, and what a reader meets."""

import math
from copy import deepcopy

import numpy as np
import pytest
from support.tiny_runs import CLASSES, images, network, run
from support.widget_page import FAKE, broken, follows_the_theme, look_closely, on_paper, sides, status, wander

from cnnbook import nn
from cnnbook.results import replay, store
from cnnbook.results.packing import pack_letters, unpack_letters
from cnnbook.widgets import TrainingPlayer

TAG = "training-player"


def figure(runs=None, **state):
    runs = [run(True), run()] if runs is None else runs
    return TrainingPlayer(**{"id": "fig", "runs": runs, **state}).to_html()


def random_run(rng):
    """A replay of random numbers: gaps in the norms, steps that are thinned, snapshots here and there."""
    kept = replay.empty("random")
    with_norms = bool(rng.integers(2))
    for step in range(int(rng.integers(1, 250))):
        norms = {"norms": {"0 A": float(rng.choice([rng.random(), np.inf, 0]))}} if with_norms else {}
        replay.append(kept, {"step": step, "loss": float(rng.random()), **norms})
        if rng.random() < 0.02:
            maps = pack_letters(rng.normal(size=(1, 3, 2, 4)) * rng.integers(0, 2), 16)
            count = int(rng.integers(2, 5))
            table = rng.integers(0, 9, (count, count)).tolist()
            replay.append(kept, {"snapshot": {"step": step, "maps": maps, "confusion": table}})
        if rng.random() < 0.02:
            replay.append(kept, {"epoch": 0, "step": step + 1, "loss": 0.5, "val_loss": float(rng.random())})
    return deepcopy(kept)


def newest(steps, step):
    return max((index for index, at in enumerate(steps) if at <= step), default=None)


def expected(kept, step):
    """What the figure must say of a run at a step, from the definition."""
    now, epoch = newest(kept["steps"]["step"], step), newest(kept["epochs"]["step"], step)
    shot = newest([shot["step"] for shot in kept["snapshots"]], step)
    shot = None if shot is None else kept["snapshots"][shot]
    table = np.array(shot["confusion"]) if shot else None
    return {
        "loss": None if now is None else kept["steps"]["loss"][now],
        "val_loss": None if epoch is None else kept["epochs"]["val_loss"][epoch],
        "norms": [] if now is None else [values[now] for values in kept["norms"]],
        "at": shot and shot["step"],
        "maps": shot and unpack_letters(shot["maps"]).reshape(3, 2, 4).tolist(),
        "right": shot
        and [int(np.trace(table)), int(table.sum()), int((table - np.diag(np.diag(table))).max())],
    }


# ---------------------------------------------------------------- maths


@pytest.mark.pages
def test_the_page_reads_two_thousand_random_steps_as_python_does(load_module):
    rng = np.random.default_rng(0)
    runs = [random_run(rng) for _ in range(40)]
    asked = [[int(rng.integers(40)), int(rng.integers(0, 260))] for _ in range(2000)]
    page = load_module(TrainingPlayer)
    got = page.evaluate(
        """([runs, asked]) => asked.map(([number, step]) => {
            const now = widget.valuesAt(runs[number], step);
            const shot = now.snapshot;
            const table = shot && widget.readConfusion(shot.confusion);
            return { loss: now.loss, val_loss: now.val_loss, norms: now.norms, at: shot && shot.step,
                maps: shot && widget.planes(shot.maps),
                right: shot && [table.right, table.all, table.worst.count] };
        })""",
        [runs, asked],
    )
    wrong = []
    for (number, step), answer in zip(asked, got, strict=True):
        wanted = expected(runs[number], step)
        maps, theirs = wanted.pop("maps"), answer.pop("maps")
        if answer != wanted or not (maps is None or np.allclose(maps, theirs, rtol=1e-12, atol=1e-12)):
            wrong.append((step, wanted, answer))
    assert (len(wrong), wrong[:1]) == (0, [])
    assert page.evaluate("(runs) => runs.every(widget.isRun)", runs)


@pytest.mark.pages
def test_the_page_refuses_what_python_refuses(load_module):
    page = load_module(TrainingPlayer)
    good = run()

    def changed(change):
        kept = deepcopy(good)
        change(kept)
        return kept

    bad = [
        None,
        7,
        {},
        {**good, "format": "other"},
        {**good, "version": 2},
        changed(lambda kept: kept["steps"]["loss"].pop()),
        changed(lambda kept: kept["steps"]["loss"].__setitem__(0, "1")),
        changed(lambda kept: kept["norms"].pop()),
        changed(lambda kept: kept["snapshots"].reverse()),
        changed(lambda kept: kept["snapshots"][0]["kernels"].update(data="!")),
        changed(lambda kept: kept["snapshots"][0]["kernels"].update(data="!" * 24)),
        changed(lambda kept: kept["snapshots"][0]["confusion"].pop()),
        changed(lambda kept: kept["snapshots"].__setitem__(0, None)),
    ]
    for kept in bad:
        with pytest.raises(ValueError, match="results: "):
            replay.check(kept)
    assert page.evaluate("(runs) => runs.map((run) => Boolean(widget.isRun(run)))", [*bad, good]) == [
        *[False] * len(bad),
        True,
    ]
    for junk in (*bad, "7", [bad[-1]], [good, good, good], {"length": 1}):
        state = page.evaluate("(runs) => widget.clean({ runs, step: 1e9, view: 3 })", junk)
        assert all(kept["format"] == "cnnbook run" for kept in state["runs"])
        assert (state["step"], state["view"], len(state["runs"]) <= 2) == (None, "all", True)


@pytest.mark.pages
def test_the_scrubber_stops_at_every_snapshot_and_at_about_sixty_steps(load_module):
    page = load_module(TrainingPlayer)
    rng = np.random.default_rng(3)
    for _ in range(10):
        runs = [random_run(rng), random_run(rng)]
        stops = page.evaluate("(runs) => widget.positions(runs)", runs)
        assert stops == sorted(set(stops))
        assert {shot["step"] for kept in runs for shot in kept["snapshots"]} <= set(stops)
        assert max(kept["steps"]["step"][-1] for kept in runs) in stops
        assert len(stops) <= 62 + sum(len(k["snapshots"]) + len(k["epochs"]["step"]) for k in runs)


# ---------------------------------------------------------------- state


def test_a_replay_is_taken_by_name_alone_or_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "FOLDER", tmp_path / "results")
    (tmp_path / "pyproject.toml").touch()
    replay.write("with_batchnorm", run(True))
    assert TrainingPlayer(id="a", runs="with_batchnorm").runs == [run(True)]
    assert TrainingPlayer(id="a", runs=run()).runs == [run()]
    assert TrainingPlayer(id="a", runs=["with_batchnorm", run()]).runs == [run(True), run()]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "runs",
            [1, 2, 3],
            "TrainingPlayer: runs must be one or two replays. Received 3. Choose the two to compare.",
        ),
        (
            "runs",
            7,
            "TrainingPlayer: runs must be one or two replays. Received int. Choose the two to compare.",
        ),
        (
            "runs",
            [{}],
            "results: this replay must be in the format 'cnnbook run'. Received format=None. "
            "Record it again.",
        ),
        (
            "step",
            -1,
            "TrainingPlayer: step must be an integer from 0, or None. Received step=-1. "
            "Pass the number of updates, or None for the end.",
        ),
        (
            "view",
            "loss",
            "TrainingPlayer: view must be one of 'all', 'maps', 'kernels', 'gradients', 'confusion'. "
            "Received view='loss'. Choose one of them.",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused(name, value, message, refuses):
    player = TrainingPlayer(id="a")
    with refuses(message):
        setattr(player, name, value)


def test_a_run_that_goes_on_is_appended_and_the_last_word_is_whole():
    player = TrainingPlayer(id="a", runs=run(True))
    x, y = images()
    recorder = player.recorder("live", compare=True, images=x[:1], examples=(x, y), classes=CLASSES)
    nn.fit(
        network(), nn.SoftmaxCrossEntropy(), nn.SGD(0.1), x, y, epochs=2, batch_size=8, callbacks=[recorder]
    )
    assert [kept["title"] for kept in player.runs] == ["With batch norm", "live"]
    assert player.runs[1] == recorder.replay()
    assert len(player.runs[1]["steps"]["loss"]) == 12


def test_steps_can_be_appended_by_hand():
    player = TrainingPlayer(id="a")
    for step in range(5):
        player.append({"step": step, "loss": 1 / (step + 1)})
    player.flush()
    assert player.runs[0]["steps"] == {"step": [0, 1, 2, 3, 4], "loss": [1.0, 0.5, 0.3333, 0.25, 0.2]}


def test_redraws_of_a_live_run_are_few(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("cnnbook.widgets.training_player.time.monotonic", lambda: now[0])
    player, seen = TrainingPlayer(id="a"), []
    player.observe(lambda change: seen.append(len(change["new"][-1]["steps"]["step"])), "runs")
    for step in range(100):
        now[0] += 0.01
        player.append({"step": step, "loss": 1.0 + step})
    assert 3 <= len(seen) <= 6


def test_the_picture_says_the_numbers_of_the_step():
    kept = run()
    player = TrainingPlayer(id="a", runs=kept, step=7)
    wanted = f"Step 7 of 18: Without: training loss {kept['steps']['loss'][7]}, training accuracy"
    assert player.sentence().startswith(wanted)
    assert f"validation loss {kept['epochs']['val_loss'][0]}" in player.sentence()
    assert player.picture().count(player.sentence()) == 2
    assert TrainingPlayer(id="a").picture().count("Nothing is recorded yet.") == 2


# ---------------------------------------------------------------- as a reader meets it


@pytest.mark.pages
@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_it_can_be_seen_by_all_and_hit_by_a_finger(open_page, width, theme):
    page = open_page(figure(), width=width, theme=theme)
    assert look_closely(page, TAG, width) == []
    bottom = page.locator(".numbers").evaluate("e => e.getBoundingClientRect().bottom")
    top = page.locator(".widget").evaluate("e => e.getBoundingClientRect().top")
    assert bottom - top < 784  # curves, bar and numbers on one screen of a phone


@pytest.mark.pages
def test_every_step_says_a_difference_that_is_true(open_page):
    page = open_page('<a href="#fig:step=8,view=kernels">try</a>' + figure())
    page.get_by_role("button", name="First step").click()
    count = 1 + int(page.get_by_role("slider", name="Step").get_attribute("max"))
    seen = []
    for step in range(count):
        values, shown = sides(page)
        assert values == pytest.approx([shown] * len(values), abs=1e-6)
        seen.append(page.locator(".readout").inner_text())
        if step < count - 1:
            page.get_by_role("button", name="One step on").click()
    assert len(set(seen)) > count - 3  # every step has its own numbers
    assert page.locator("section:visible .what").all_inner_texts() == [
        *("Feature maps", "Kernels", "Gradients", "Confusion")
    ]
    charts = page.get_by_role("application")
    charts.focus()
    for key, text in (
        ("ArrowLeft", "step 17 of 18"),
        ("Home", "step 0 of 18"),
        ("ArrowRight", "step 1 of 18"),
    ):
        page.keyboard.press(key)
        assert page.locator(".count").inner_text() == text
    page.keyboard.press("Space")
    assert page.locator("[role=status]").get_attribute("aria-live") == "off"
    page.keyboard.press("Space")
    assert page.locator("[role=status]").get_attribute("aria-live") == "polite"
    page.get_by_role("link").click()
    assert page.locator(".count").inner_text() == "step 8 of 18"
    assert page.locator("section:visible .what").all_inner_texts() == ["Kernels"]
    assert page.locator(".gallery svg:visible").count() == 8
    assert "after 8 updates" in page.locator(".foot:visible").first.inner_text()
    box = page.locator(".chart").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 12, box["y"] + 60)  # the curves themselves can be touched
    assert page.locator(".count").inner_text() == "step 18 of 18"
    for wild in ("step=-1,view=7", "step=abc,runs=1/2", "step=1e9", "runs=", "step=3.14159", "step=-0,=,x"):
        page.evaluate(f"location.hash = '#fig:{wild}'")
        page.wait_for_timeout(30)
        assert not broken(page, TAG)
    page.evaluate("location.hash = '#fig:step=4'")
    page.wait_for_timeout(30)
    assert page.locator(".count").inner_text() == "step 4 of 18"
    assert follows_the_theme(page)
    assert on_paper(page, TAG) == []


@pytest.mark.pages
def test_what_is_drawn_is_what_was_recorded(open_page):
    kept = run()
    page = open_page(figure([kept]))
    page.evaluate("location.hash = '#fig:step=4,view=confusion'")
    page.wait_for_timeout(50)
    shot = next(shot for shot in kept["snapshots"] if shot["step"] == 4)
    right = int(np.trace(shot["confusion"]))
    assert f"{right} of 48 are right" in page.locator(".matrix svg").get_attribute("aria-label")
    page.get_by_role("button", name="Gradients").click()
    rows = [row.split() for row in page.locator(".bars tbody tr").all_inner_texts()]
    assert [" ".join(row[:2]) for row in rows] == kept["layers"]
    for row, values in zip(rows, kept["norms"], strict=True):
        assert float(row[2].replace("≈", "")) == pytest.approx(values[4], rel=0.06)
    widths = page.locator(".bar i").evaluate_all("all => all.map((e) => parseFloat(e.style.width))")
    logs = [math.log(values[4]) for values in kept["norms"]]
    assert (widths[0] < widths[1]) == (logs[0] < logs[1])
    numbers = page.locator(".readout td").all_inner_texts()
    assert float(numbers[0]) == kept["steps"]["loss"][4]
    assert numbers[2:] == ["\u2013"] * 2  # no epoch has ended yet


@pytest.mark.pages
def test_sixty_random_interactions_raise_no_error(open_page):
    page = open_page(figure(), reduced_motion="reduce")
    wander(page, TAG)


@pytest.mark.pages
def test_without_a_replay_it_says_so(open_page):
    page = open_page(figure([]))
    assert status(page) == "Nothing is recorded yet."
    assert page.locator("button:visible").count() == 0
    assert look_closely(page, TAG, 1280) == []


@pytest.mark.pages
def test_python_and_the_page_hear_of_each_other_and_a_live_run_is_followed(load_module):
    page = load_module(TrainingPlayer)
    page.evaluate(FAKE)
    live = replay.empty("live")
    player = TrainingPlayer(id="a")
    for step in range(4):
        replay.append(live, {"step": step, "loss": 2.0 - step / 4, "accuracy": step / 4})
        page.evaluate("(runs) => assign('runs', runs)", [live])
        player.runs = [deepcopy(live)]
        assert page.locator(".count").inner_text() == f"step {step} of {step}"  # the end is followed
    page.get_by_role("button", name="One step back").click()
    assert page.evaluate("model.get('step')") == 2
    replay.append(live, {"step": 4, "loss": 1.0, "accuracy": 1.0})
    page.evaluate("(runs) => assign('runs', runs)", [live])
    assert page.locator(".count").inner_text() == "step 2 of 4"  # who looks back is left in peace
    page.get_by_role("button", name="Last step").click()
    assert page.evaluate("model.get('step')") is None
    assert "runs" not in page.evaluate("writes")
    page.get_by_role("button", name="Kernels").click()
    player.view, player.step = page.evaluate("[model.get('view'), model.get('step')]")
    page.evaluate("assign('step', 1)")
    assert "Step 1 of 4" in status(page)
    page.evaluate("cleanup()")
