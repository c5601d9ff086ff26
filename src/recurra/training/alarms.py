"""Figures of alarms, against stretches of time that people have marked."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Steps = NDArray[np.bool_]
Window = tuple[int, int]  # first and last step, both within

FALSE_ALARM = 0.11  # what one costs beside a window missed: NAB's standard profile


def windows_of(marked: Steps) -> list[Window]:
    """Return the stretches of steps that are marked, one after another."""
    edges = np.diff(np.concatenate([[0], marked.astype(np.int8), [0]]))
    first, beyond = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(a), int(b) - 1) for a, b in zip(first, beyond, strict=True)]


def nab(
    alarms: Sequence[Steps], windows: Sequence[Sequence[Window]], begin: Sequence[int]
) -> float:
    """Return the score of the Numenta Anomaly Benchmark, standard profile: 100 is perfect.

        100 (S − S₀) / (S* − S₀)        S = Σ windows (σ(y) / σ(−1), or −1) + Σ false 0.11 σ(y)
        σ(y) = 2 / (1 + e^{5y}) − 1

    A window gives what its earliest alarm is worth, y being the alarm's place from −1 at the
    window's beginning to nearly 0 at its end. A false alarm costs less the sooner after a window
    it comes: y is its distance in widths of that window; before any window it costs 0.11. S₀ is
    that of a detector without alarms, S* the perfect one. Lavin and Ahmad 2015,
    https://arxiv.org/abs/1510.03336, section II.

    Args:
        alarms: of each series, at which steps alarms begin.
        windows: of each series, in their order.
        begin: of each series, the first step that counts.
    """
    total, count = 0.0, 0
    for steps, marked, first in zip(alarms, windows, begin, strict=True):
        found = [i for i in np.flatnonzero(steps).tolist() if i >= first]
        best = [-1.0] * len(marked)
        for step in found:
            inside = [k for k, (a, b) in enumerate(marked) if a <= step <= b]
            if inside:
                left, right = marked[inside[0]]
                worth = _sigmoid((step - right - 1) / (right - left + 1)) / _sigmoid(-1.0)
                best[inside[0]] = max(best[inside[0]], worth)
                continue
            passed = [(a, b) for a, b in marked if b < step]
            if passed:
                left, right = passed[-1]
                total += FALSE_ALARM * _sigmoid((step - right) / max(right - left, 1))
            else:
                total -= FALSE_ALARM
        total, count = total + sum(best), count + len(marked)
    return 100 * (total + count) / (2 * count) if count else math.nan


def _sigmoid(place: float) -> float:
    return -1.0 if place > 3 else 2 / (1 + math.exp(5 * place)) - 1


def event_scores(alarms: Sequence[Steps], windows: Sequence[Sequence[Window]]) -> dict[str, float]:
    """Return precision, recall and F1 of alarms and windows.

    precision = alarms within windows / alarms        recall = windows with an alarm / windows
    """
    right = said = found = there = 0
    for steps, marked in zip(alarms, windows, strict=True):
        begun = np.flatnonzero(steps).tolist()
        said, there = said + len(begun), there + len(marked)
        right += sum(any(a <= step <= b for a, b in marked) for step in begun)
        found += sum(any(a <= step <= b for step in begun) for a, b in marked)
    precision, recall = right / max(said, 1), found / max(there, 1)
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"event_precision": precision, "event_recall": recall, "event_f1": f1}


def average_precision(scores: NDArray[np.float64], marked: Steps) -> float:
    """Return the mean, over marked steps, of the precision at each one's score.

        AP = Σ_k (R_k − R_{k−1}) P_k        thresholds from the highest score down

    Equal scores come in together. Manning et al. 2008, "Introduction to information retrieval",
    section 8.4.
    """
    if not marked.any():
        return math.nan
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(marked[order])
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    precision, recall = right[ends] / (ends + 1), right[ends] / right[-1]
    return float((np.diff(recall, prepend=0.0) * precision).sum())
