"""What captions and descriptions of the figures to explore say."""

import numpy as np
import pytest
from support.chapter_code import run_of

from cnnbook.results import parity

pytestmark = pytest.mark.keras


def test_adam_swings_across_the_valley_in_a_few_waves_and_runs_past_the_goal():
    flat, steep, _ = run_of("training")["lines"]["Adam"]
    assert (flat[0], steep[0]) == (10, 1)
    assert len(flat) == 30
    assert 3 <= (np.diff(np.sign(steep)) != 0).sum() <= 6
    assert flat[-1] < 0 == (np.diff(flat) >= 0).sum()


def test_every_step_in_the_valley_says_its_loss():
    flat, steep, said = run_of("training")["lines"]["SGD"]
    assert said[0] == "step 0, loss 62.5"
    assert said[-1] == f"step 29, loss {(flat[-1] ** 2 + 25 * steep[-1] ** 2) / 2:.3g}"


def test_every_setting_is_a_mark_but_the_exact_ones_and_one_softmax():
    run = run_of("parity_ledger")
    named = {name for _, _, names in run["marks"].values() for name in names}
    off = {
        (f, row["setting"]): (parity.worst(row, parity.OURS), parity.worst(row, parity.KERAS))
        for f, row in run["rows"]
    }
    left_out = {key: both for key, both in off.items() if f"{key[0]}, {key[1]}" not in named}
    ((family, setting), (ours, keras)) = next(each for each in left_out.items() if any(each[1]))
    assert family == "Softmax"
    assert setting.startswith("far")
    assert 0.02 < ours == keras < 0.1
    assert [key for key, both in left_out.items() if any(both)] == [(family, setting)]


def test_nearly_all_marks_lie_close_and_two_of_batch_norm_far_out_where_keras_is_further_off():
    marks = run_of("parity_ledger")["marks"]
    points = [point for group in marks.values() for point in zip(*group, strict=True)]
    close = [all(9e-9 <= each <= 1e-6 for each in point[:2]) for point in points]
    assert np.mean(close) > 0.95
    far = [point for point in points if max(point[:2]) > 4e-6]
    assert len(far) == 2
    assert all(
        keras > ours and name.startswith("BatchNormalization, off centre") for keras, ours, name in far
    )
