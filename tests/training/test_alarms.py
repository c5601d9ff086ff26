"""Figures of alarms: NAB's score by its own definition written out, precision by scikit-learn's."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from recurra.training.alarms import average_precision, event_scores, nab, windows_of


def steps(count: int, *at: int) -> np.ndarray:
    found = np.zeros(count, dtype=bool)
    found[list(at)] = True
    return found


def sigmoid(place: float) -> float:
    return 2 / (1 + math.exp(5 * place)) - 1 if place <= 3 else -1.0


def swept(alarms: np.ndarray, windows: list[tuple[int, int]], begin: int) -> tuple[float, int]:
    """Return the raw score by one walk over the rows, each weighed as it comes."""
    left, total, passed, best = list(windows), 0.0, None, []
    inside = None
    for i, alarm in enumerate(alarms):
        if left and i == left[0][0]:
            inside = left.pop(0)
            best.append(-1.0)
        if inside:
            width = inside[1] - inside[0] + 1
            worth = sigmoid(-(inside[1] - i + 1) / width) / sigmoid(-1)
            if alarm and i >= begin:
                best[-1] = max(best[-1], worth)
        elif alarm and i >= begin:
            away = None if passed is None else (i - passed[1]) / (passed[1] - passed[0])
            total += 0.11 * (-1.0 if away is None else sigmoid(away))
        if inside and i == inside[1]:
            passed, inside = inside, None
    return total + sum(best), len(windows)


def test_the_ends_of_the_scale():
    windows = [[(20, 29), (60, 79)]]
    assert nab([steps(100)], windows, [0]) == 0
    assert nab([steps(100, 20, 60)], windows, [0]) == pytest.approx(100)
    assert nab([steps(100, 29, 79)], windows, [0]) == pytest.approx(
        100 * (2 + sigmoid(-0.1) / sigmoid(-1) + sigmoid(-0.05) / sigmoid(-1)) / 4
    )
    assert nab([steps(100, 3)], windows, [0]) == pytest.approx(-100 * 0.11 / 4)
    assert nab([steps(100, 3)], windows, [4]) == 0
    assert math.isnan(nab([steps(10)], [[]], [0]))


@pytest.mark.parametrize("seed", range(8))
def test_any_alarms_are_weighed_as_in_one_walk_over_the_rows(seed: int):
    rng = np.random.default_rng(seed)
    alarms, windows, begins, total, count = [], [], [], 0.0, 0
    for _ in range(3):
        edges = np.sort(rng.choice(np.arange(5, 295), 6, replace=False))
        marked = [(int(a), int(b)) for a, b in edges.reshape(3, 2) if b > a]
        alarms.append(rng.random(300) < 0.03)
        windows.append(marked)
        begins.append(int(rng.integers(0, 60)))
        raw, many = swept(alarms[-1], marked, begins[-1])
        total, count = total + raw, count + many
    assert nab(alarms, windows, begins) == pytest.approx(100 * (total + count) / (2 * count))


def test_only_the_earliest_alarm_of_a_window_counts():
    windows = [[(20, 29)]]
    one, more = (nab([steps(60, *at)], windows, [0]) for at in ((22,), (22, 23, 28)))
    assert one == more
    assert nab([steps(60, 21)], windows, [0]) > one


def test_events():
    alarms, windows = [steps(50, 3, 11, 12, 40)], [[(10, 14), (20, 25), (39, 45)]]
    found = event_scores(alarms, windows)
    assert found["event_precision"] == 3 / 4
    assert found["event_recall"] == 2 / 3
    assert found["event_f1"] == pytest.approx(2 * (3 / 4) * (2 / 3) / (3 / 4 + 2 / 3))
    assert event_scores([steps(5)], [[(1, 2)]]) == {
        "event_precision": 0, "event_recall": 0, "event_f1": 0.0,
    }  # fmt: skip  # read as a table


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_scikit_learns(seed: int):
    rng = np.random.default_rng(seed)
    marked = rng.random(200) < 0.1
    scores = np.round(rng.random(200), 1 if seed % 2 else 6)  # with ties, and without
    wanted = average_precision_score(marked, scores)
    assert average_precision(scores, marked) == pytest.approx(wanted, abs=1e-12)


def test_windows_are_runs_of_marks():
    marked = np.array([1, 1, 0, 0, 1, 0, 1], dtype=bool)
    assert windows_of(marked) == [(0, 1), (4, 4), (6, 6)]
    assert windows_of(~marked) == [(2, 3), (5, 5)]
    assert windows_of(np.zeros(4, dtype=bool)) == []
