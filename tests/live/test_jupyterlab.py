"""A chapter opened as the launch button opens it: in JupyterLab, as a notebook, run from top to bottom."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from support.browser import tab

pytestmark = pytest.mark.pages
ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


@contextlib.contextmanager
def jupyterlab(folder, home):
    """Run JupyterLab on a free port with an empty home, prepared as binder/postBuild prepares it."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "XDG_"))}
    environment = inherited | {"HOME": str(home), "PATH": f"{PROGRAMS}:{os.environ['PATH']}"}
    environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    subprocess.run(["bash", str(ROOT / "binder" / "postBuild")], cwd=folder, env=environment, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        *("--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"),
        *(
            "--IdentityProvider.token=",
            "--LabApp.expose_app_in_browser=True",
            f"--ServerApp.root_dir={folder}",
        ),
    ]
    log = home / "lab.log"
    with open(log, "w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=environment,
            stdout=out,
            stderr=out,
            cwd=folder,
        )
    try:
        origin = f"http://127.0.0.1:{port}"
        for _ in range(240):
            if server.poll() is not None:
                pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-3000:]}", pytrace=False)
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{origin}/api/status", timeout=5).close()
                break
            time.sleep(0.5)
        yield origin
    finally:
        server.terminate()
        server.wait(30)


RUN_ALL = """async () => {
    const panel = jupyterapp.shell.currentWidget;
    await panel.context.ready;
    await panel.sessionContext.ready;
    await jupyterapp.commands.execute("notebook:run-all-cells");
}"""


@contextlib.contextmanager
def live_notebook(chromium, tmp_path, text):
    """Open a text notebook in JupyterLab, with a home of its own, and run all its cells."""
    folder, home = tmp_path / "book", tmp_path / "home"
    folder.mkdir()
    home.mkdir()
    (folder / "page.md").write_text(text, encoding="utf-8")
    with jupyterlab(folder, home) as origin, tab(chromium, origin, height=1000) as opened:
        opened.page.goto(f"{origin}/lab/tree/page.md", timeout=120_000)
        opened.page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=120_000)
        opened.page.evaluate(RUN_ALL)
        yield opened


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """JupyterLab in a browser, with the chapters in its folder."""
    folder, home = tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "chapters", folder / "chapters")
    with (
        jupyterlab(folder, home) as origin,
        tab(chromium, origin, height=1000) as opened,
    ):
        yield opened.page, origin


def opened_and_run(lab, chapter):
    """Open a chapter as a notebook and run every cell."""
    page, origin = lab
    page.goto(f"{origin}/lab/tree/chapters/{chapter}.md?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=120_000)
    page.evaluate("""async () => {
        const panel = jupyterapp.shell.currentWidget;
        await panel.context.ready;
        await panel.sessionContext.ready;
        globalThis.ran = false;
        jupyterapp.commands.execute("notebook:run-all-cells").then(() => { globalThis.ran = true; });
    }""")
    page.wait_for_function("globalThis.ran", timeout=240_000)
    return page


@pytest.fixture(scope="module", name="notebook")
def _notebook(lab):
    return opened_and_run(lab, "convolution")


@pytest.fixture(scope="module")
def gallery(lab):
    return opened_and_run(lab, "widget_gallery")


CELLS = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter((cell) => cell.model.type === "code")
    .map((cell) => ({
        source: cell.model.sharedModel.getSource(),
        count: cell.model.executionCount,
        outputs: cell.model.outputs.toJSON(),
    }))"""


def test_the_chapter_opens_as_a_notebook_and_every_cell_runs(notebook):
    cells = notebook.evaluate(CELLS)
    assert len(cells) > 20
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
    errors = [out for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
    assert errors == []


def test_nothing_is_written_to_stderr(notebook):
    said = [
        out for cell in notebook.evaluate(CELLS) for out in cell["outputs"] if out.get("name") == "stderr"
    ]
    assert said == []


ASK = """(code) => new Promise((done) => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const future = kernel.requestExecute({ code });
    let said = "";
    future.onIOPub = (message) => { said += message.content.text ?? message.content.evalue ?? ""; };
    future.done.then(() => done(said.trim()));
})"""
SHOW = """(id) => {
    const content = jupyterapp.shell.currentWidget.content;
    const at = content.widgets.findIndex((cell) => cell.model.type === "code"
        && cell.model.sharedModel.getSource().includes(`id="${id}"`));
    return content.scrollToItem(at, "start");
}"""


def live(page, id, control, key, trait, expected, assigned, says):
    """A key press in the figure reaches Python, and an assignment in Python moves the figure."""
    # The widget object lives on in the output of its cell.
    find = "import gc; from cnnbook.widgets.base import BookWidget; "
    find += f"w = [o for o in gc.get_objects() if isinstance(o, BookWidget) and o.id == {id!r}][-1]; "
    page.evaluate(SHOW, id)
    widget = page.locator(f".jp-NotebookPanel .jp-Cell:has-text('id=\"{id}\"')").first
    place = widget.locator(control).first
    place.wait_for(timeout=30_000)
    assert page.evaluate(ASK, find + f"print(w.{trait})") != expected
    place.focus()
    page.keyboard.press(key)
    for _ in range(40):
        if (now := page.evaluate(ASK, find + f"print(w.{trait})")) == expected:
            break
        page.wait_for_timeout(250)
    assert now == expected
    page.evaluate(ASK, find + assigned)
    status = widget.locator("[role=status]").filter(has_text=says)
    status.first.wait_for(state="attached", timeout=30_000)


def test_the_widget_of_a_chapter_is_live(notebook):
    one_on = "button[aria-label='One step on']"
    live(notebook, "conv-hand", one_on, "Enter", "step", "1", "w.step = 8", "out[2, 2]")


ONE_ON, ONE_BACK = "button[aria-label='One step on']", "button[aria-label='One step back']"
FIGURE = "[role=application]"
GALLERY = {
    "gallery-conv": (ONE_ON, "Enter", "step", "1", "w.step = 8", "out[2, 2]"),
    "gallery-pool": (ONE_ON, "Enter", "step", "1", "w.step = 4", "out[1, 1]"),
    "gallery-field": (FIGURE, "ArrowLeft", "unit", "[3, 2]", "w.layer = 1", "A unit of layer 1"),
    "gallery-dense": (FIGURE, "ArrowRight", "pixel", "[13, 14]", "w.bias = -2", "+ (\u22122) ="),
    "gallery-run": (ONE_BACK, "Enter", "step is not None", "True", "w.step = 0", "Step 0 "),
    "gallery-norm": (ONE_ON, "Enter", "step", "1", "w.gamma = 2", "= 2·("),
    "gallery-flow": (FIGURE, "ArrowRight", "depth", "13", "w.init = 'one'", "std 1, ReLU"),
}


def test_every_widget_of_the_gallery_is_live(gallery):
    for id, steps in GALLERY.items():
        live(gallery, id, *steps)
