"""A progress bar for a person who watches; nothing in scripts and book builds."""

import sys
import threading
from typing import Any


def progress_bar(steps: int) -> Any:
    """A tqdm bar in a terminal or a live notebook, if tqdm is installed; else None."""
    if not somebody_is_watching():
        return None
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=steps, unit="step", leave=True)


def somebody_is_watching() -> bool:
    """True in a terminal and in a live notebook, False in scripts with redirected output and in book builds.

    A notebook that a person has open can be asked for input; one that is executed to build a page, by
    nbclient and all that use it, cannot. The kernel is told which with every cell. A run in the background
    shows none: its bar would appear below whatever cell runs meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        return False
    if sys.stderr is not None and sys.stderr.isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))
