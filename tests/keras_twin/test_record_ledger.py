"""`tools/record_ledger.py` runs from its first case to the recorded file."""

from types import SimpleNamespace

import numpy as np
import pytest
from support.project_files import ROOT

from cnnbook import results

pytestmark = pytest.mark.keras


def test_the_ledger_is_recorded_with_todays_rows(monkeypatch, capsys, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "tools")
    import record_ledger

    images = SimpleNamespace(x_train=np.zeros((2, 28, 28, 1), np.float32), y_train=np.zeros(2, int))
    write = results.write
    monkeypatch.setattr(record_ledger.data, "load", lambda *_, **__: images)
    monkeypatch.setattr(record_ledger.results, "write", lambda *a, **k: write(*a, **k, folder=tmp_path))
    cases = [case for case in record_ledger.cases.cases() if case.family in ("Flatten", "LeakyReLU")]
    monkeypatch.setattr(record_ledger.cases, "cases", lambda: cases)
    monkeypatch.setattr(record_ledger.training_agreement, "plans", list)
    assert record_ledger.main() == 0
    assert f"{len(cases)} layers and 0 networks" in capsys.readouterr().out
    made, kept = results.read("parity_ledger", folder=tmp_path), results.read("parity_ledger")
    assert {family: [[*row] for row in rows] for family, rows in made["layers"].items()} == {
        family: [[*row] for row in kept["layers"][family]] for family in made["layers"]
    }
