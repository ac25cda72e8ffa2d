"""The training lab in JupyterLab: Run trains in the background and draws, and the figure and Python agree."""

import pytest
from live.test_jupyterlab import ASK, live_notebook

pytestmark = pytest.mark.pages
NOTEBOOK = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# The lab

```{code-cell} python3
from cnnbook.widgets import TrainingLab
lab = TrainingLab(id="lab", examples=500, epochs=2)
lab
```
"""


def test_run_draws_while_it_trains_and_the_step_goes_both_ways(chromium, tmp_path):
    with live_notebook(chromium, tmp_path, NOTEBOOK) as opened:
        page = opened.page
        page.locator(".jupyter-button.mod-primary").click(timeout=60_000)
        page.get_by_text("Done: ").wait_for(timeout=120_000)
        assert page.locator(".count").inner_text() == "step 32 of 32"
        page.get_by_role("application").focus()
        page.keyboard.press("Home")
        for _ in range(40):
            if (step := page.evaluate(ASK, "print(lab.player.step)")) == "0":
                break
            page.wait_for_timeout(250)
        assert step == "0"
        page.evaluate(ASK, "lab.player.step = 16")
        page.locator("[role=status]").filter(has_text="Step 16 of 32").wait_for(
            state="attached", timeout=60_000
        )
        said = page.evaluate(ASK, "print(len(lab.player.runs[0]['steps']['loss']))")
        assert said == "32"
