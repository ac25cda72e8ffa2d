"""TrainingLab: its controls train a real network in the background, and it says how that ends."""

import re
import threading
from types import SimpleNamespace

import pytest
from support.tiny_runs import CLASSES, images, run
from support.widget_page import status

from cnnbook import nn
from cnnbook.widgets import TrainingLab, TrainingPlayer
from cnnbook.widgets.training_lab import HOW, SETTINGS, _network


@pytest.fixture
def data():
    x, y = images(64)
    return SimpleNamespace(
        x_train=x, y_train=y, x_test=x[:20], y_test=y[:20], class_names=CLASSES, source="Tiny images."
    )


@pytest.fixture
def lab(data):
    made = TrainingLab(id="lab", data=data, examples=250, epochs=2)
    yield made
    made.stop()
    made.wait()


def words(lab):
    return re.sub("<.*?>", "", lab.message.value)


def test_a_run_is_drawn_and_ends_with_its_accuracy(lab):
    lab.run()
    lab.wait()
    (kept,) = lab.player.runs
    assert (kept["title"], len(kept["epochs"]["val_accuracy"])) == ("Run 1", 2)
    assert kept["settings"]["learning_rate"] == 0.03
    assert lab.progress.value == lab.progress.max == 4  # 64 images there are, in batches of 32
    right = f"{100 * kept['epochs']['val_accuracy'][-1]:.1f}"
    assert words(lab) == f"Done: {right} % of 20 test images are right. Tiny images."
    assert (lab.run_button.disabled, lab.stop_button.disabled) == (False, True)


def test_the_next_run_stands_beside_the_last_and_says_what_is_different(lab):
    for value in (32, 16):
        lab.controls["batch_size"].value = value
        lab.run()
        lab.wait()
    lab.controls["batchnorm"].value = True
    lab.controls["optimizer"].value = "Adam"
    lab.run()
    lab.wait()
    assert [kept["title"] for kept in lab.player.runs] == ["Run 2: batches of 16", "Run 3: batch norm, Adam"]
    assert "1 BatchNormalization" in lab.player.runs[1]["layers"]


@pytest.mark.parametrize("optimizer", SETTINGS["optimizer"])
def test_every_optimizer_and_kernel_size_trains(data, optimizer):
    lab = TrainingLab(id="lab", data=data, optimizer=optimizer, learning_rate=0.003, epochs=1)
    for size in SETTINGS["kernel_size"]:
        lab.controls["kernel_size"].value = size
        lab.run()
        lab.wait()
        assert words(lab).startswith("Done: ")
        shape = lab.player.runs[-1]["snapshots"][-1]["kernels"]["shape"]
        assert shape == [8, size, size]


def test_a_convolution_before_batch_norm_has_no_bias():
    for batchnorm in (False, True):
        layers = _network(nn, {"kernel_size": 3, "batchnorm": batchnorm}).layers
        assert [layer.use_bias for layer in layers if isinstance(layer, nn.Conv2D)] == [not batchnorm] * 2


def test_stop_ends_the_run_and_keeps_what_it_drew(lab):
    lab.controls["epochs"].value = 10
    lab.controls["batch_size"].value = 8
    drawn = threading.Event()
    lab.player.observe(lambda change: drawn.set() if change["new"][-1]["steps"]["step"] else None, "runs")
    lab.run()
    assert (lab.run_button.disabled, lab.stop_button.disabled) == (True, False)
    lab.run()  # a second press changes nothing
    assert drawn.wait(30)
    lab.stop_button.click()
    lab.wait()
    done, steps = map(int, re.fullmatch(r"Stopped after (\d+) of (\d+) steps\.", words(lab)).groups())
    assert 0 < done < steps == 80
    assert len(lab.player.runs) == 1
    assert lab.player.runs[0]["steps"]["step"][-1] == done - 1


def test_a_run_that_fails_says_why_and_leaves_the_lab_ready(lab):
    lab.data.x_train = lab.data.x_train * float("inf")
    lab.run()
    lab.wait()
    assert words(lab).startswith("fit: the loss must stay finite.")
    assert not lab.run_button.disabled


def test_no_bar_is_printed_below_the_cell(lab, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    lab.run()
    lab.wait()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"kernel_size": 4},
            "TrainingLab: kernel_size must be one of (1, 3, 5, 7). Received kernel_size=4. "
            "Choose one of them.",
        ),
        (
            {"rate": 1},
            f"TrainingLab: a setting must be one of {tuple(SETTINGS)}. Received rate=1. Choose one of them.",
        ),
    ],
)
def test_what_cannot_be_chosen_is_refused(settings, message, refuses):
    with refuses(message):
        TrainingLab(id="lab", **settings)


def test_every_control_has_a_name_and_its_choices(lab):
    for name, control in lab.controls.items():
        assert control.description
        assert [value for _, value in control.options] == list(SETTINGS[name])


def test_in_a_notebook_it_is_live_and_elsewhere_it_shows_a_replay_and_how_to_run(data):
    lab = TrainingLab(id="lab", runs=[run(True), run()], data=data)
    bundle = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert HOW in bundle["text/html"]
    assert '<training-player id="lab"' in bundle["text/html"]
    assert isinstance(lab.player, TrainingPlayer)


@pytest.mark.pages
def test_the_page_without_python_replays_the_recorded_run(open_page, data):
    page = open_page(TrainingLab(id="lab", runs=[run(True), run()], data=data).to_html())
    assert "Training needs Python." in page.locator("main").inner_text()
    assert "validation accuracy" in status(page)
