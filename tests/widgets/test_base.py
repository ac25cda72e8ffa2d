"""The two hosts: a live notebook gets the anywidget view, every other reader gets HTML that needs nothing."""

import re

import pytest

from cnnbook.widgets import ConvStepper, PoolStepper

CODE = "<script"


def test_the_bundle_holds_the_live_view_and_the_html():
    bundle = ConvStepper(id="a")._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/html"].startswith('<conv-stepper id="a">')


@pytest.mark.parametrize("given", [{"text/plain": "x"}, ({"text/plain": "x"}, {"meta": 1}), None])
def test_a_bundle_may_be_a_dict_a_pair_or_nothing(monkeypatch, given):
    monkeypatch.setattr("anywidget.AnyWidget._repr_mimebundle_", lambda self, **kwargs: given)
    bundle = ConvStepper(id="a")._repr_mimebundle_()
    data, rest = bundle if isinstance(bundle, tuple) else (bundle, None)
    assert "<conv-stepper" in data["text/html"]
    assert rest == ({"meta": 1} if isinstance(given, tuple) else None)
    assert given is None or data["text/plain"] == "x"


def test_a_second_figure_does_not_repeat_the_code():
    first, second = ConvStepper(id="first").to_html(), ConvStepper(id="second").to_html()
    assert first.count(CODE) == len(ConvStepper.files())
    assert second.count(CODE) == 0


def test_the_first_figures_cell_run_again_carries_the_code_again():
    ConvStepper(id="first").to_html()
    ConvStepper(id="second").to_html()
    assert ConvStepper(id="first").to_html().count(CODE) == len(ConvStepper.files())


def test_another_widget_brings_only_the_files_that_the_page_does_not_have():
    ConvStepper(id="first").to_html()
    new = [name for name in PoolStepper.files() if name not in ConvStepper.files()]
    assert new == ["pool_stepper_maths.js", "pool_stepper.js"]
    assert PoolStepper(id="other").to_html().count(CODE) == len(new)


def test_only_the_state_that_differs_from_the_default_is_written():
    html = ConvStepper(id="a", stride=2, pad_mode="edge", step=1).to_html()
    element = html[: html.index(">")]
    assert element == '<conv-stepper id="a" stride="2" pad-mode="&quot;edge&quot;" step="1"'


def test_a_bad_id_is_refused():
    with pytest.raises(
        ValueError,
        match=re.escape(
            "ConvStepper: id must start with a letter and hold only letters, digits, '-' and '_'. "
            "Received id='a b'. Use a name like 'conv-stepper-1'."
        ),
    ):
        ConvStepper(id="a b")


def test_widgets_load_neither_keras_nor_matplotlib_nor_the_network():
    import subprocess
    import sys

    heavy = ("matplotlib", "keras", "tensorflow", "cnnbook.nn")
    check = f"import sys, cnnbook.widgets; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
