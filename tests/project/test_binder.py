"""What Binder will build and open, looked at without a container engine."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.project_files import ROOT, project_files, settings

BIN = Path(sys.executable).parent


def dockerfile(folder):
    """The Dockerfile that Binder's own tool writes for the repository in `folder`."""
    command = [BIN / "jupyter-repo2docker", "--no-build", "--debug", "."]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout + ran.stderr


def faults(text):
    """Say what the Dockerfile lacks to run a chapter."""
    lines = [line.strip() for line in text.splitlines()]
    if not any("environment-2epy-2d3-2e11" in line for line in lines):
        yield "another Python than 3.11"
    copied = [i for i, line in enumerate(lines) if line.endswith("src/ ${REPO_DIR}/")]
    installed = [i for i, line in enumerate(lines) if line.endswith('-r "binder/requirements.txt"')]
    if not installed:
        yield "does not install the requirements"
    elif not copied or copied[0] > installed[0]:
        yield "installs before the repository is there, so the package cannot be found"
    if "RUN ./binder/postBuild" not in lines:
        yield "does not run postBuild"


@pytest.fixture
def copy(tmp_path):
    for name in ("binder", "src"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__")
        )
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_binder_installs_this_repository_on_a_python_it_supports(copy):
    assert list(faults(dockerfile(copy))) == []


@pytest.mark.parametrize(
    ("remove", "fault"),
    [
        ("runtime.txt", "another Python than 3.11"),
        ("requirements.txt", "does not install the requirements"),
        ("postBuild", "does not run postBuild"),
    ],
)
def test_a_binder_folder_that_lacks_a_file_is_caught(copy, remove, fault):
    (copy / "binder" / remove).unlink()
    assert fault in list(faults(dockerfile(copy)))


def test_binders_requirements_lead_to_the_books_own():
    assert (ROOT / "binder" / "requirements.txt").read_text().split() == ["-r", "../requirements.txt"]
    assert (ROOT / "requirements.txt").read_text().split() == ["-e", ".[book]"]


def test_after_postbuild_a_double_click_opens_a_chapter_as_a_notebook(tmp_path):
    post_build = ROOT / "binder" / "postBuild"
    assert os.access(post_build, os.X_OK)
    env = {
        **os.environ,
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    }
    subprocess.run([post_build], env=env, check=True, capture_output=True)
    texts = [json.loads(path.read_text()) for path in tmp_path.rglob("*.json")]
    viewers = [text["@jupyterlab/docmanager-extension:plugin"]["defaultViewers"] for text in texts]
    assert viewers
    assert all(viewer["markdown"] == "Jupytext Notebook" for viewer in viewers)


def test_the_launch_button_opens_the_chapter_in_jupyterlab_on_binder():
    page = ROOT / "_build" / "html" / "chapters" / "convolution.html"
    assert page.exists(), "make book builds the page this test reads"
    repository = settings("_config.yml")["repository"]
    owner, name = repository["url"].removesuffix("/").split("/")[-2:]
    link = f"/v2/gh/{owner}/{name}/{repository['branch']}?urlpath=lab/tree/chapters/convolution.md"
    assert f'href="https://mybinder.org{link}"' in page.read_text("utf-8")


def test_what_binder_needs_belongs_to_the_repository():
    names = {path.relative_to(ROOT).as_posix() for path in project_files()}
    assert {"binder/requirements.txt", "binder/runtime.txt", "binder/postBuild"} <= names
