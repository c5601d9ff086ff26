"""What is unusual in the series of the Numenta Anomaly Benchmark."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, paced, trained
from recurra.data.readers.marks import marks_of
from recurra.data.readers.series import Series
from recurra.streaming.surprise import onsets
from recurra.training.alarms import Window, nab, windows_of

METRIC = "NAB score, standard profile"
Scores = NDArray[np.float64]


class Watched(NamedTuple):
    """A series' scores, and what they are measured by."""

    scores: Scores
    windows: list[Window]
    begin: int


def files(case: Case) -> list[Path]:
    """Return the files of series."""
    return sorted((case.data / "data" / "realKnownCause").glob("*.csv"))


def first_part(steps: int) -> int:
    """Return how many rows NAB lets a detector learn from: 15 % of 5,000 at most."""
    return int(0.15 * min(steps, 5000))


def best(found: Sequence[Watched], rests: Sequence[int]) -> float:
    """Return the score at the one threshold that is best for all series, as NAB chooses it."""
    windows, begins = [one.windows for one in found], [one.begin for one in found]
    every = np.concatenate([one.scores for one in found])
    limits = np.unique(np.quantile(every, 1 - np.logspace(-0.5, -4.8, 150)))
    return max(
        nab([onsets(one.scores, limit, rest) for one in found], windows, begins)
        for limit in limits.tolist()
        for rest in rests
    )


def sit(case: Case) -> Answer:
    """Train one model for each series, on its first part, all by the task's defaults."""
    found, own, seconds, size = list[Watched](), list[Any](), 0.0, 0
    rest = 0
    for path in files(case):
        steps = len(path.read_text(encoding="utf-8").splitlines()) - 1
        first = first_part(steps)
        fields: dict[str, Any] = {
            "windows": str(case.data / "labels" / "combined_windows.json"),
            "split": f"{first - first // 5},{first // 5},{steps - first}",
        }
        place = case.place / path.stem
        model = trained("anomaly_detection", case._replace(place=place), path, **fields)
        (whole,) = model.task.read(model.recipe).test
        (said,) = model.predict([whole])
        moments = said.series[0].moments
        found.append(_watched(whole, np.array([one.score for one in moments])))
        own.append(np.array([one.since == 0 for one in moments]))
        seconds += model.metrics["seconds"]
        size = sum(parameter.numel() for parameter in model.network.parameters())
        rest = getattr(model.recipe, "rest", 0)
    told = nab(own, [one.windows for one in found], [one.begin for one in found])
    others = {"at thresholds told without labels": told}
    return Answer(
        best(found, [rest]),
        size,
        seconds,
        others,
        "one model for each of seven series, the time of an epoch that of the last",
        epochs=paced(case, model),
    )


def _watched(whole: Series, scores: Scores) -> Watched:
    marked = marks_of(whole)
    assert marked is not None
    return Watched(scores, windows_of(marked), first_part(len(scores)))


def beside(score: Callable[[Scores, int, int], Scores], case: Case) -> dict[str, float]:
    """Return what a detector reaches, alarms as they come or one in a rest: the better."""
    from recurra.tasks.anomaly_detection import AnomalyRecipe, read

    found = []
    for path in files(case):
        windows = str(case.data / "labels" / "combined_windows.json")
        recipe = AnomalyRecipe(data=str(path), windows=windows, split="0.5,0.1,0.4")
        (whole,) = read(recipe).test
        first = first_part(len(whole.values))
        found.append(_watched(whole, score(whole.values[:, 0], first, case.seed)))
    return {METRIC: best(found, [0, recipe.rest])}


def gaussian(values: Scores, first: int, seed: int) -> Scores:
    """Return 1 − Q of each number beside the last 6,400, renewed every 100 steps, as NAB's own."""
    scores, held, waiting = [], list[float](), list[float]()
    mean = deviation = 0.0
    for value in values.tolist():
        z = abs(value - mean) / max(deviation, 1e-6)
        scores.append(1 - 0.5 * math.erfc(z / math.sqrt(2)) if held else 0.0)
        if len(held) < 6400:
            held.append(value)
        else:
            waiting.append(value)
        if len(waiting) == 100 or len(held) < 6400:
            held, waiting = [*held[len(waiting) :], *waiting], []
            mean, deviation = float(np.mean(held)), float(np.std(held))
    return np.array(scores)


def chance(values: Scores, first: int, seed: int) -> Scores:
    """Return random numbers."""
    return np.random.default_rng(seed).random(len(values))


def trees(values: Scores, first: int, seed: int) -> Scores:
    """Return the scores of river's half-space trees, on the scale of the first part."""
    from river.anomaly import HalfSpaceTrees

    low, high = float(values[:first].min()), float(values[:first].max())
    model = HalfSpaceTrees(window_size=min(250, first), seed=seed)
    scores = []
    for value in values.tolist():
        row = {"x": min(max((value - low) / max(high - low, 1e-9), 0.0), 1.0)}
        scores.append(model.score_one(row))
        model.learn_one(row)
    return np.array(scores)


NAB = Exam(
    name="nab",
    task="anomaly_detection",
    folder="nab",
    files=("data/realKnownCause/*.csv", "labels/combined_windows.json"),
    protocol="NAB, the 7 real series with known causes; one setting for all, learned from NAB's "
    "first part (15 % of a series, of 5,000 rows at most); one threshold, the best for all. "
    "Peers too may give one alarm in a rest, where that is better.",
    metric=METRIC,
    aim=60.0,
    seeds=3,
    minutes=6.0,
    sit=sit,
    peers={
        "windowed Gaussian": lambda case: beside(gaussian, case),
        "random": lambda case: beside(chance, case),
        "half-space trees (river)": lambda case: beside(trees, case),
    },
    beaten=("windowed Gaussian", "random", "half-space trees (river)"),
    published=(
        Published("windowed Gaussian, all 58 files", 39.6, "NAB, github.com/numenta/NAB"),
        Published(
            "HTM, all 58 files, about", 70.0, "Ahmad et al. 2017, 10.1016/j.neucom.2017.04.070"
        ),
    ),
)
