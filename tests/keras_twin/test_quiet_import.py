"""Keras and TensorFlow are loaded when they are needed, and nobody hears it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.keras


def run(code):
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


def test_loading_keras_prints_nothing_and_waits_until_it_is_needed():
    code = (
        "import sys, cnnbook.keras_twin as twin\n"
        "from cnnbook.keras_twin import cases, training, training_agreement\n"
        "sum(1 for case in cases.cases())\n"
        "assert 'tensorflow' not in sys.modules and 'keras' not in sys.modules\n"
        "twin.keras.layers.Dense(2)(twin.tf.zeros((1, 2)))\n"
    )
    assert run(code) == (0, "", "")


def test_modules_that_subclass_keras_classes_load_it_quietly():
    assert run("from cnnbook.keras_twin import layers, mistakes, modules") == (0, "", "")


def test_what_is_not_there_is_an_ordinary_attribute_error():
    import cnnbook.keras_twin as twin

    with pytest.raises(AttributeError, match=r"^module 'cnnbook.keras_twin' has no attribute 'kearas'$"):
        twin.kearas  # noqa: B018
