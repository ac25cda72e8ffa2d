"""Build the book, never from stale parts; serve it; prove that it builds without a network.

    python tools/book.py build      _build/html, warnings are errors
    python tools/book.py serve      the built book, on a port of this machine
    python tools/book.py offline    _build/offline: no network, no data, an empty home
    python tools/book.py offline --run index pooling    the same, running these chapters anew and no others

Two stamps decide what a build may reuse. Chapters run again when anything their code sees has changed: `src`,
`results`, the installed packages, the data. When anything else has changed, every page is written again
from the chapters' last runs. When nothing has, nothing is done.
"""

import argparse
import fcntl
import functools
import hashlib
import http.server
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path

from jupyter_cache import get_cache
from platformdirs import user_cache_dir

ROOT = Path(__file__).resolve().parent.parent
RUN = ("src", "results")
WRITE = ("chapters", "coursework", "assets", "_ext", "_templates", "_config.yml", "_toc.yml", "tools")
NOT_SOURCES = ("__pycache__", ".egg-info", ".ipynb_checkpoints", ".DS_Store")


def digest(root, names):
    """One hash over the paths and contents of these files and folders."""
    total = hashlib.sha256()
    for name in names:
        top = root / name
        for path in sorted([top] if top.is_file() else top.rglob("*")):
            inside = path.relative_to(root).as_posix()
            if path.is_file() and not any(part in inside for part in NOT_SOURCES):
                total.update(f"{inside}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
    return total.hexdigest()


def data_in_sight():
    """What the chapters will find: the files under CNNBOOK_DATA_DIR and in the caches, by name and size."""
    named = os.environ.get("CNNBOOK_DATA_DIR")
    keras = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "datasets"
    folders = [*([Path(named)] if named else []), Path(user_cache_dir("cnnbook")), keras]
    files = [(top, path) for top in folders for path in sorted(top.rglob("*")) if path.is_file()]
    return [named, *(f"{path.relative_to(top)} {path.stat().st_size}" for top, path in files)]


def stamps(root=ROOT):
    """Two hashes: of all that a chapter's code can see, and of that and all else that makes a page."""
    packages = sorted(f"{package.name}=={package.version}" for package in distributions())
    seen = json.dumps([digest(root, RUN), packages, sys.version, data_in_sight()])
    run = hashlib.sha256(seen.encode()).hexdigest()
    return {"run": run, "write": hashlib.sha256((run + digest(root, WRITE)).encode()).hexdigest()}


def drop_stale(output, now):
    """Delete what a build of today's sources must not reuse. False if the built book is up to date."""
    stamp = output / "stamp.json"
    before = json.loads(stamp.read_text()) if stamp.exists() else {}
    if before == now and (output / "html" / "index.html").exists():
        return False
    # Sphinx alone rewrites only pages whose own text changed, and repeats no warning about the others.
    stale = ["html", ".doctrees", "jupyter_execute"]
    if before.get("run") != now["run"]:
        stale.append(".jupyter_cache")
    for name in stale:
        shutil.rmtree(output / name, ignore_errors=True)
    # Which runs may be reused is known even if the coming build fails; only after it the book is up to date.
    stamp.write_text(json.dumps({"run": now["run"]}))
    return True


def build(root=ROOT, output=None):
    """Build into `output`/html, `output` being a folder named _build. Returns 0 if all went well."""
    output = output or root / "_build"
    output.mkdir(parents=True, exist_ok=True)
    with open(output / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("==> Waiting for another build of this book to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        start, now = time.monotonic(), stamps(root)
        if drop_stale(output, now):
            reuse = (output / ".jupyter_cache").exists()
            how = "running only chapters whose code changed" if reuse else "running every chapter"
            print(f"==> Building the book, {how}", flush=True)
            code = run_jupyter_book(root, output)
            took = f"{time.monotonic() - start:.0f} s"
            if code:
                print(f"    The book did not build ({took}): the lines above say why.", file=sys.stderr)
                return code
            (output / "stamp.json").write_text(json.dumps(now))
            print(f"    built in {took}", flush=True)
        else:
            print("==> The book is up to date", flush=True)
    print(f"    {(output / 'html' / 'index.html').as_uri()}", flush=True)
    return 0


def run_jupyter_book(root, output):
    """Run Jupyter Book with nobody's own kernels or start-up files, so that a page is the same everywhere."""
    profile = output / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text('c.IPKernelApp.log_level = "ERROR"\n')
    settings = {
        "IPYTHONDIR": str(output / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", jupyter_book, "build", str(root), "-W", "-n", "--keep-going"]
    command += ["--path-output", str(output.parent)]  # it adds _build itself
    # Warnings, and what _ext/book_pages.py says about progress, come on stderr; stdout only chats.
    environment = {**os.environ, **settings}
    return subprocess.run(command, cwd=root, env=environment, stdout=subprocess.DEVNULL).returncode


def serve(folder, port):
    """Show the built book on this machine only, on `port` or the next free one."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    for candidate in range(port, port + 20):
        try:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", candidate), handler)
        except OSError:
            print(f"    Port {candidate} is taken.", flush=True)
            continue
        print(f"==> The book is at http://127.0.0.1:{candidate}/ until you press Ctrl-C", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
        return 0
    print(f"Name a free port: make serve PORT={port + 1000}", file=sys.stderr)
    return 1


def offline(run):
    """Build once more with no network, no data and an empty home, as a reader on a train would.

    All chapters run; or, if `run` names some, only these do, and the rest keep their runs of the last build.
    """
    if "BOOK_IS_OFFLINE" in os.environ:
        raise_loopback()
        output = ROOT / "_build" / "offline" / "_build"
        shutil.rmtree(output, ignore_errors=True)
        if run:
            keep_runs(output, run)
        return build(output=output)
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        print("Taking the network away needs a Linux where `unshare --net` works.", file=sys.stderr)
        return 1
    print("==> Taking network, data and home away", flush=True)
    hidden = ("CNNBOOK_DATA_DIR", "KERAS_HOME")
    kept = {k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("XDG_")}
    with tempfile.TemporaryDirectory() as home:
        without = {**kept, "HOME": home, "BOOK_IS_OFFLINE": "1"}
        again = [*unshare, sys.executable, __file__, "offline", *(["--run", *run] if run else [])]
        return subprocess.run(again, env=without).returncode


def keep_runs(output, run):
    """Give the build in `output` the last build's runs of every chapter but those named in `run`."""
    ours = ROOT / "_build" / ".jupyter_cache"
    chapters = {Path(record.uri).stem for record in get_cache(ours).list_cache_records()}
    if missing := sorted(set(run) - chapters):
        sys.exit(f"--run must name chapters of the built book. Received {missing}. Run `make book` first.")
    shutil.copytree(ours, output / ".jupyter_cache")
    cache = get_cache(output / ".jupyter_cache")
    for record in cache.list_cache_records():
        if Path(record.uri).stem in run:
            cache.remove_cache(record.pk)
    (output / "stamp.json").write_text(json.dumps({"run": stamps()["run"]}))


def raise_loopback():
    """Do `ip link set lo up`: notebooks talk to their kernels over it, and a new namespace has it down."""
    set_flags, up = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", up))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["build", "serve", "offline"])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--run", nargs="+", default=[], metavar="CHAPTER", help="offline: run only these")
    given = parser.parse_args()
    if given.action == "build":
        sys.exit(build())
    if given.action == "serve":
        sys.exit(serve(ROOT / "_build" / "html", given.port))
    sys.exit(offline(given.run))
