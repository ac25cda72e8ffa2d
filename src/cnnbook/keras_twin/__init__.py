"""The Keras counterpart of this book's network. The only room that imports Keras or TensorFlow.

    from cnnbook.keras_twin import keras, to_keras, compare

`keras` and `tf` here are the ordinary packages, imported at the first use (TensorFlow takes some seconds and
half a gigabyte) and without the messages TensorFlow prints while it starts.
"""

import contextlib
import os
import sys

from cnnbook.keras_twin.agreement import Agreement, compare
from cnnbook.keras_twin.convert import from_keras, to_keras

__all__ = ["Agreement", "compare", "from_keras", "keras", "tf", "to_keras"]


def __getattr__(name):
    if name in ("keras", "tf"):
        globals().update(_import_quietly())
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _import_quietly():
    """Import TensorFlow and Keras and make a first tensor, with file descriptor 2 turned off.

    TensorFlow's C++ start-up code writes there directly; no log level stops it. What Python itself has to
    say (an ImportError, say) is an exception and passes through.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        import keras
        import tensorflow as tf

        return {"keras": keras, "tf": tf}
    with _silent_stderr():
        import keras
        import tensorflow as tf

        tf.constant(0.0) + 1.0
    tf.get_logger().setLevel("ERROR")  # grouped convolutions are compiled one by one, and warn about it
    return {"keras": keras, "tf": tf}


@contextlib.contextmanager
def _silent_stderr():
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
