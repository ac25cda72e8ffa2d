"""The moving picture of README.md: small, slow, made of the figure's nine steps, and described in words."""

import re

from PIL import Image, ImageSequence
from support.project_files import ROOT

from cnnbook.widgets import ConvStepper

MOVING, STILL = ROOT / "pictures" / "conv_stepper.gif", ROOT / "pictures" / "conv_stepper.png"


def frames():
    with Image.open(MOVING) as picture:
        return [(frame.convert("RGB"), frame.info["duration"]) for frame in ImageSequence.Iterator(picture)]


def test_the_picture_is_small():
    assert [path.name for path in (MOVING, STILL) if path.stat().st_size > 150_000] == []


def test_the_picture_goes_slowly_through_all_steps_and_ends_on_a_rest():
    *paces, rest = [milliseconds for _, milliseconds in frames()]
    assert len(paces) + 1 == ConvStepper(id="all").output().size
    assert min(paces) >= 800
    assert rest >= 3000
    with Image.open(MOVING) as picture:
        assert 0 < picture.info["loop"] <= 2  # 0 would mean for ever


def test_every_step_looks_different_and_the_still_picture_is_the_last():
    pictures = [frame for frame, _ in frames()]
    assert len({frame.tobytes() for frame in pictures}) == len(pictures)
    with Image.open(STILL) as still:
        assert still.convert("RGB").tobytes() == pictures[-1].tobytes()


def test_the_readme_shows_the_picture_says_what_it_shows_and_spares_who_wants_no_motion():
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(r"<picture>(.*?)</picture>", readme, flags=re.DOTALL)[1]
    assert (
        re.search(r'"\(prefers-reduced-motion: reduce\)" srcset="(.+?)"', shown)[1]
        == "pictures/conv_stepper.png"
    )
    assert re.search(r'<img src="(.+?)"', shown)[1] == "pictures/conv_stepper.gif"
    sums = [" ".join(map(str, row)) for row in ConvStepper(id="sums").output().tolist()]
    assert ", ".join(sums) in re.search(r'alt="(.+?)"', shown)[1]
