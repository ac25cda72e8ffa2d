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
from browser import tab

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


@pytest.fixture(scope="module", name="notebook")
def _notebook(chromium, tmp_path_factory):
    """The convolution chapter, open in JupyterLab in a browser, every cell run."""
    folder, home = tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("home")
    shutil.copytree(ROOT / "chapters", folder / "chapters")
    with (
        jupyterlab(folder, home) as origin,
        tab(chromium, origin, height=1000) as opened,
    ):
        page = opened.page
        page.goto(f"{origin}/lab/tree/chapters/convolution.md")
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell", timeout=120_000)
        page.evaluate("""async () => {
            const panel = jupyterapp.shell.currentWidget;
            await panel.context.ready;
            await panel.sessionContext.ready;
            globalThis.ran = false;
            jupyterapp.commands.execute("notebook:run-all-cells").then(() => { globalThis.ran = true; });
        }""")
        page.wait_for_function("globalThis.ran", timeout=240_000)
        yield page


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


def test_the_widget_is_live_in_the_notebook(notebook):
    """A key press in the figure reaches Python, and an assignment in Python moves the figure."""
    ask = """(code) => new Promise((done) => {
        const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
        const future = kernel.requestExecute({ code });
        let said = "";
        future.onIOPub = (message) => { said += message.content.text ?? message.content.evalue ?? ""; };
        future.done.then(() => done(said.trim()));
    })"""
    number = next(i for i, cell in enumerate(notebook.evaluate(CELLS)) if 'id="conv-hand"' in cell["source"])
    notebook.evaluate(
        """(number) => {
            const content = jupyterapp.shell.currentWidget.content;
            const cells = content.widgets;
            const code = cells.filter((cell) => cell.model.type === "code")[number];
            return content.scrollToItem(cells.indexOf(code), "start");
        }""",
        number,
    )
    # The widget object lives on in the output of its cell.
    find = "import gc; from cnnbook.widgets import ConvStepper; "
    find += "w = [o for o in gc.get_objects() if isinstance(o, ConvStepper) and o.id == 'conv-hand'][-1]; "
    one_on = notebook.locator(".jp-NotebookPanel button[aria-label='One step on']").first
    one_on.wait_for(timeout=30_000)
    assert notebook.evaluate(ask, find + "print(w.step)") == "0"
    one_on.focus()
    notebook.keyboard.press("Enter")
    for _ in range(40):
        if (step := notebook.evaluate(ask, find + "print(w.step)")) == "1":
            break
        notebook.wait_for_timeout(250)
    assert step == "1"
    notebook.evaluate(ask, find + "w.step = 8")
    status = notebook.locator(".jp-NotebookPanel [role=status]").filter(has_text="out[2, 2]")
    status.first.wait_for(state="attached", timeout=30_000)
