"""Make the moving picture of README.md from the built page: pictures/conv_stepper.gif, and a still one.

    python tools/picture.py

Opens the chapter on convolution in a headless Chromium, steps its first figure from sum to sum and takes a
photograph of each. The GIF plays three times and ends with all sums in place; its last frame is also kept as
a PNG, for readers who want no motion.
"""

import io
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import chromium_running, find_chromium, served, tab  # noqa: E402

FIGURE, STEPS = "conv-hand", 9
FRAME, HOLD = 1000, 4000  # milliseconds
COLOURS = 32


def photograph(browser, origin):
    """The figure at each of its steps: grids, sum and buttons, without the row of views and the settings."""
    with tab(browser, origin, width=1280, height=1000, device_scale_factor=2) as opened:
        page = opened.page
        page.goto(f"{origin}/chapters/convolution.html#{FIGURE}:step=0")
        figure = page.locator(f"#{FIGURE}")
        figure.get_by_role("button", name="Play").wait_for()
        page.evaluate("document.fonts.ready")
        for step in range(STEPS):
            page.evaluate(f"location.hash = '#{FIGURE}:step={step}'")
            figure.get_by_text(f"{step + 1} of {STEPS}").wait_for()
            yield Image.open(io.BytesIO(page.screenshot(clip=part(figure)))).convert("RGB")


def part(figure):
    """The part of the page to photograph, in its pixels."""
    whole, views, bar = (
        found.bounding_box()
        for found in (
            figure,
            figure.get_by_role("button", name="Forward"),
            figure.get_by_role("button", name="Play"),
        )
    )
    top, bottom = views["y"] + views["height"] + 4, bar["y"] + bar["height"] + 12
    return {"x": whole["x"] + 2, "y": top, "width": whole["width"] - 4, "height": bottom - top}


def save(frames, folder):
    """Write the GIF and the PNG. All frames have the same few colours: what does not change costs nothing."""
    palette = frames[-1].quantize(COLOURS)
    few = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    folder.mkdir(exist_ok=True)
    pace = [FRAME] * (len(few) - 1) + [HOLD]
    few[0].save(
        folder / "conv_stepper.gif",
        save_all=True,
        append_images=few[1:],
        duration=pace,
        loop=2,
        optimize=True,
    )
    few[-1].save(folder / "conv_stepper.png", optimize=True)


def main():
    program = find_chromium()
    if program is None:
        sys.exit("The picture is photographed in a browser, and none was found: install Chromium or Chrome.")
    with served(ROOT / "_build" / "html") as origin, chromium_running(program) as browser:
        frames = list(photograph(browser, origin))
    save(frames, ROOT / "pictures")
    for path in sorted((ROOT / "pictures").iterdir()):
        print(f"==> {path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
