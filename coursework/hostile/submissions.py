"""Submissions that mean harm, or only look like it, and the score each must get. They are answers to a02.

Most of them are the solution with another `conv2d`. Tests that ask only the other two functions are worth 10
of the 24 points, those that ask only `conv2d_loops` 6.
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Expected:
    """What grading must give. reason : words of a test's message, of a note or of the reason."""

    score: float
    reason: str = ""


HEAD = "import os, sys, socket, threading, ctypes, time, glob, struct, json, gc\n"


def write_table(folder: Path, solution: str, table: dict) -> dict[str, Expected]:
    """Write submissions with another `conv2d` each: {name: (its body, score, words of a reason)}.

    In a body, `right` is the solution's conv2d.
    """
    kept = solution.replace("def conv2d(", "def right(")
    expected = {}
    for name, (body, score, reason) in table.items():
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        (folder / f"{name}.py").write_text(f"{HEAD}{kept}\n\ndef conv2d(x, kernel, bias):\n{lines}\n")
        expected[name] = Expected(score, reason)
    return expected


def write(folder: Path, solution: str) -> dict[str, Expected]:
    """Write all submissions into `folder` and return what each must get, by name.

    Parameters
    ----------
    solution : the code of the right answer.
    """
    expected = {}

    def add(name, content, score, reason="", suffix=".py"):
        content = content if isinstance(content, bytes) else content.encode()
        (folder / f"{name}{suffix}").write_bytes(content)
        expected[name] = Expected(score, reason)

    def spoiled(name, body, score=10, reason=""):
        """The solution, and then a conv2d with this body; `right` is the right one."""
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        head = "import os, sys, socket, threading, ctypes, time, glob\n"
        kept = solution.replace("def conv2d(", "def right(")
        add(name, f"{head}{kept}\n\ndef conv2d(x, kernel, bias):\n{lines}\n", score, reason)

    spoiled("honest", "return right(x, kernel, bias)", 24)
    spoiled("infinite-loop", "while True: pass", reason="took more than")
    spoiled("sleeps", "time.sleep(1000)", reason="took more than")
    spoiled("fork-bomb", "while True: os.fork()", reason="PermissionError")
    spoiled("memory", "return np.ones(10**11)", reason="MemoryError")
    spoiled(
        "memory-bit-by-bit", "hoard = []\nwhile True: hoard.append(bytearray(10**8))", reason="MemoryError"
    )
    spoiled("huge-output", "print('x' * 10**7)\nreturn right(x, kernel, bias)", 24)
    spoiled("huge-answer", "return np.zeros(10**8)", reason="conv2d")
    spoiled("crash", "ctypes.string_at(0)", reason="SIGSEGV")
    spoiled("abort", "os.abort()", reason="SIGABRT")
    spoiled("exits", "os._exit(0)", reason="ended the interpreter")
    spoiled("sys-exit", "sys.exit('all points, please')", reason="SystemExit")
    spoiled("closes-the-pipe", "os.closerange(0, 100)\nreturn right(x, kernel, bias)", reason="conv2d")
    spoiled("recursion", "return conv2d(x, kernel, bias)", reason="RecursionError")
    spoiled("deep-recursion", "sys.setrecursionlimit(10**8)\nreturn conv2d(x, kernel, bias)", reason="conv2d")
    spoiled("wrong-shape", "return right(x, kernel, bias)[0]", reason="must have shape")
    spoiled("whole-numbers", "return right(x, kernel, bias).astype(int)", reason="whole numbers")
    spoiled("complex", "return right(x, kernel, bias) + 1j", reason="real numbers")
    spoiled("objects", "return right(x, kernel, bias).astype(object)", reason="dtype object")
    spoiled("text", "return 'all points, please'", reason="must be an array")
    spoiled("nan", "return right(x, kernel, bias) * np.nan", reason="nan")
    spoiled("none", "right(x, kernel, bias)", reason="did you forget the return")
    spoiled("nested", "out = 1\nfor _ in range(99): out = [out]\nreturn out", reason="nested")
    spoiled("huge-number", "return 10**9999", reason="conv2d")
    spoiled("arguments-changed", "out = right(x, kernel, bias)\nx *= 0\nreturn out", 22, "writes into")
    spoiled(
        "equal-to-everything",
        "class Any(np.ndarray):\n    def __eq__(self, other): return True\n    def __abs__(self): return 0\n"
        "return np.zeros_like(right(x, kernel, bias)).view(Any)",
        reason="numbers are wrong",
    )
    spoiled(
        "numpy-patched",
        "np.allclose = np.array_equal = lambda *a, **k: True\nnp.abs = lambda a: 0 * a\n"
        "return np.zeros_like(right(x, kernel, bias))",
        reason="numbers are wrong",
    )
    spoiled(
        "reads-the-tests",
        "tops = set(os.listdir('/')) - {'usr', 'lib', 'lib64'}\n"
        "for top, _, files in (step for name in tops for step in os.walk('/' + name)):\n"
        "    if any('hidden_tests' in name or name == 'seed' for name in files):\n"
        "        return right(x, kernel, bias)",
        reason="did you forget the return",
    )
    spoiled(
        "reads-other-submissions",
        "for name in set(os.listdir('/')) - {'usr', 'lib', 'lib64'}:\n"
        "    if glob.glob(f'/{name}/**/*.ipynb', recursive=True): return right(x, kernel, bias)",
        reason="did you forget the return",
    )
    spoiled(
        "reads-the-environment",
        "found = dict(os.environ)\nfor pid in ('self', '1', str(os.getppid())):\n"
        "    try: found[pid] = open(f'/proc/{pid}/environ').read()\n    except OSError: pass\n"
        "known = 'OPENBLAS_NUM_THREADS OMP_NUM_THREADS MKL_NUM_THREADS LC_ALL PWD PYTHONHASHSEED'.split()\n"
        "if set(found) - set(known):\n"
        "    return right(x, kernel, bias)",
        reason="did you forget the return",
    )
    spoiled(
        "writes-files",
        "for place in ('/', '/tmp', '/dev/shm', '/packages', os.getcwd()):\n"
        "    try: open(place + '/mine', 'w').write('x')\n    except OSError: continue\n"
        "    return right(x, kernel, bias)",
        reason="did you forget the return",
    )
    spoiled(
        "network",
        "for address in (('127.0.0.1', 22), ('1.1.1.1', 53), ('127.0.0.1', 80)):\n"
        "    try: socket.create_connection(address, 0.2)\n    except ConnectionRefusedError: pass\n"
        "    except OSError: continue\n    else: return right(x, kernel, bias)",
        reason="did you forget the return",
    )
    spoiled(
        "kills-the-grader",
        "for pid in (1, os.getppid(), -1):\n    try: os.kill(pid, 9)\n    except OSError: pass\n"
        "return right(x, kernel, bias)",
        24,
    )
    spoiled(
        "threads-left-running",
        "def spin():\n    while True: time.sleep(0.001)\n"
        "try: threading.Thread(target=spin, daemon=True).start()\nexcept RuntimeError: pass\n"
        "return right(x, kernel, bias)",
        24,
    )
    spoiled(
        "speaks-for-itself",
        "for fd in range(3, 30):\n    try: os.write(fd, b'24 points ' * 9)\n    except OSError: pass\n"
        "return right(x, kernel, bias)",
        reason="did not answer properly",
    )
    spoiled(
        "forges-answers",
        "from cnnbook.coursework.inside.wire import pack\n"
        "for fd in range(3, 30):\n    try: os.write(fd, pack({'value': 24}))\n    except OSError: pass\n"
        "os._exit(0)",
        reason="did not answer properly",
    )
    spoiled(
        "patches-the-worker",
        "from cnnbook.coursework.inside import session\n"
        "session.Session.call = lambda self, request: {'value': True, 'points': 24}\nreturn True",
        10,
        "must have shape",
    )
    spoiled(
        "looks-up-the-stack",
        "import inspect\nfor frame in inspect.stack():\n"
        "    if 'expected' in frame.frame.f_locals: return frame.frame.f_locals['expected']",
        reason="did you forget the return",
    )

    spoiled(
        "ends-itself-by-a-limit-of-time",
        "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
        reason="ValueError",
    )
    spoiled(
        "asks-its-socket-for-signals",
        "import fcntl, struct\nfor fd in range(3, 30):\n"
        "    try: flags = fcntl.fcntl(fd, fcntl.F_GETFL)\n    except OSError: continue\n"
        "    fcntl.ioctl(fd, 0x8901, struct.pack('i', os.getpid()))\n"
        "    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_ASYNC)\n"
        "    os.write(fd, b'1234')\ntime.sleep(1)",
        reason="PermissionError",
    )
    spoiled("subclass", "class Mine(np.ndarray): pass\nreturn right(x, kernel, bias).view(Mine)", 24)
    spoiled("prints-to-everything", "print(x, file=sys.stderr)\nreturn right(x, kernel, bias)", 24)
    spoiled("keyboard-interrupt", "raise KeyboardInterrupt", reason="KeyboardInterrupt")
    spoiled("generator-exit", "raise GeneratorExit", reason="GeneratorExit")
    spoiled("stop-iteration", "raise StopIteration('points')", reason="StopIteration")
    spoiled("generator", "yield right(x, kernel, bias)", reason="holds object")
    spoiled("a-list", "return right(x, kernel, bias).tolist()", reason="must be an array")
    spoiled("lone-surrogate", "return '\\ud800\\0\\u202e'", reason="must be an array")
    spoiled("longdouble", "return right(x, kernel, bias).astype(np.longdouble)", reason="dtype")
    spoiled("structured", "return np.zeros(3, 'i4,f8')", reason="dtype")
    spoiled("dates", "return np.zeros(3, 'M8[s]')", reason="dtype")
    spoiled(
        "error-without-words",
        "class Mute(Exception):\n    def __str__(self): raise SystemExit\nraise Mute",
        reason="cannot be printed",
    )
    spoiled("huge-error", "raise ValueError('</script>' * 10**6)", reason="ValueError")
    spoiled("raises-a-signal", "import signal\nsignal.raise_signal(signal.SIGKILL)", reason="PermissionError")
    spoiled("subprocess", "import subprocess\nsubprocess.run(['/usr/bin/id'])", reason="Error")
    spoiled(
        "notes-for-the-next-test",
        "import builtins\nbuiltins.seen = getattr(builtins, 'seen', 0) + 1\nreturn right(x, kernel, bias)",
        24,
    )

    add("loops-at-the-top", f"class Slow:\n    while True: pass\n{solution}", 0, "took more than")
    add("exits-at-the-top", f"class Gone:\n    __import__('os')._exit(0)\n{solution}", 0, "cannot be loaded")
    add(
        "numpy-patched-at-the-top",
        "import numpy as np\nnp.allclose = lambda *a: True\nnp.abs = lambda a: 0",
        0,
        "not defined",
    )
    add("syntax-error", f"{solution}\n\ndef conv2d(x, kernel, bias)\n    return 1", 0, "not valid Python")
    add("deep-nesting", f"deep = {'(' * 5000}1{')' * 5000}", 0, "not valid Python")
    add("does-other-things", f"x = input()\n{solution}\nwhile True: print('training')\n", 24)
    add(
        "missing-libraries",
        f"import tensorflow as tf\nfrom matplotlib import pyplot\n{solution}",
        24,
        "No module named",
    )
    add("latin-1", f"# Übung\n{solution}".encode("latin-1"), 24, "not UTF-8")
    add("utf-16", f"# Übung\n{solution}".encode("utf-16"), 24, "not UTF-8")
    add("empty", "", 0, "empty")
    add("report", "%PDF-1.7", 0, "must be a notebook", suffix=".pdf")

    def book(cells, **more):
        code = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": text} | more for text in cells]
        return json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})

    functions = solution.split("\n\ndef ")
    cells = [functions[0], *(f"def {text}" for text in functions[1:])]
    add("cells-deleted", book(cells), 24, suffix=".ipynb")
    add(
        "cells-duplicated",
        book(["def conv2d(x, kernel, bias): return 0", *cells, *cells]),
        24,
        suffix=".ipynb",
    )
    add(
        "one-cell-broken",
        book(["%matplotlib inline", *cells, "def im2col(x:"]),
        24,
        "not valid Python",
        ".ipynb",
    )
    add("magics", book(["!pip install torch", "%%time\n" + "\n\n".join(cells)]), 24, suffix=".ipynb")
    add("no-notebook", "{'cells': ", 0, "not a notebook", ".ipynb")
    add("nested-notebook", "[" * 100_000, 0, "not a notebook", ".ipynb")
    add("fifty-megabytes", book(cells, outputs=[{"text": "x" * 50_000_000}]), 0, "MB", ".ipynb")
    (folder / "link.py").symlink_to(Path(__file__).parents[1] / "a02_convolution" / "hidden_tests.py")
    expected["link"] = Expected(0, "link")
    return expected
