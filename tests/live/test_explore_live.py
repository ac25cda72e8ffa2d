"""A figure to explore in JupyterLab: Plotly shows it at once, in the book's colours, and it can be zoomed."""

from urllib.parse import urlsplit

import pytest
from live.test_jupyterlab import live_notebook

pytestmark = pytest.mark.pages
NOTEBOOK = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A figure

```{code-cell} python3
from cnnbook import figures
figures.explore.curves({"ours": ([0, 1], [2, 1])}, alt="It falls.", xlabel="step", ylabel="loss")
```
"""


def test_jupyterlab_shows_a_live_plot_and_not_the_drawing(chromium, tmp_path):
    with live_notebook(chromium, tmp_path, NOTEBOOK) as opened:
        page = opened.page
        plot = page.locator(".jp-OutputArea .js-plotly-plot")
        plot.locator(".main-svg").first.wait_for(timeout=60_000)
        assert page.locator(".jp-OutputArea .cnn-figure").count() == 0
        line = plot.locator(".scatterlayer .lines path").first
        assert line.evaluate("(path) => getComputedStyle(path).stroke") == "rgb(0, 114, 178)"
        for number in range(40):  # the notebook may still be moving it into place
            plot.locator(".nsewdrag").hover(position={"x": 200 + number, "y": 100})
            if plot.locator(".hoverlayer text").count():
                break
            page.wait_for_timeout(250)
        assert "step: " in plot.locator(".hoverlayer").text_content()
        own = f"//{urlsplit(page.url).netloc}"
        assert [problem for problem in opened.problems if own not in problem] == []
