"""`make picture` finds the figure on the built page and photographs each of its steps."""

import pytest
from support.project_files import ROOT

pytestmark = pytest.mark.pages


def test_the_figure_is_photographed_at_every_step(chromium, home, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import picture

    frames = list(picture.photograph(chromium, home.removesuffix("/")))
    assert len(frames) == picture.STEPS
    assert len({frame.size for frame in frames}) == 1
    assert len({frame.tobytes() for frame in frames}) == picture.STEPS
    picture.save(frames, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"conv_stepper.gif", "conv_stepper.png"}
