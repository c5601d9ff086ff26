"""Patterns in signals: four data sets of the UCR and UEA archives."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, answer, trained
from recurra.data.readers.signal import Signal
from recurra.tasks.run import complete
from recurra.tasks.signal_classification import SIGNAL_CLASSIFICATION

METRIC = "accuracy, %"


def sit(case: Case, recipe: dict[str, Any]) -> Answer:
    """Train with the task's defaults, and what the exam sets otherwise."""
    train, test = files(case)
    model = trained("signal_classification", case, train, test=str(test), **recipe)
    return answer(case, model, "accuracy", 100.0)


def files(case: Case) -> tuple[Path, Path]:
    """Return the files of training and test part: beside them others may be padded."""
    name = case.data.name
    return case.data / f"{name}_TRAIN.ts", case.data / f"{name}_TEST.ts"


def parts(case: Case) -> tuple[list[Signal], list[Signal]]:
    """Return the archive's training and test part."""
    train, test = files(case)
    given = {"data": str(train), "test": str(test), "seed": case.seed}
    recipe = complete(SIGNAL_CLASSIFICATION, given)
    splits = SIGNAL_CLASSIFICATION.read(recipe)
    return [*splits.train, *splits.valid], splits.test


def padded(rows: list[Signal], steps: int) -> np.ndarray:
    """Return rows as one array [rows channels steps], filled up with their last step."""
    filled = [np.pad(row.values, ((0, steps - len(row.values)), (0, 0)), "edge") for row in rows]
    return np.stack(filled).transpose(0, 2, 1)


def rocket(case: Case) -> dict[str, float]:
    """Return what MiniRocket and a ridge classifier reach."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    train, test = parts(case)
    steps = max(len(row.values) for row in [*train, *test])
    model = MiniRocketClassifier(random_state=case.seed)
    model.fit(padded(train, steps), np.array([row.label for row in train]))
    said = model.predict(padded(test, steps))
    return {METRIC: 100 * float(np.mean(said == np.array([row.label for row in test])))}


def neighbour(case: Case) -> dict[str, float]:
    """Return what the nearest neighbour by dynamic time warping reaches."""
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    train, test = parts(case)
    model = KNeighborsTimeSeriesClassifier(distance="dtw", n_neighbors=1)
    model.fit([row.values.T for row in train], np.array([row.label for row in train]))
    said = model.predict([row.values.T for row in test])
    return {METRIC: 100 * float(np.mean(said == np.array([row.label for row in test])))}


def exam(name: str, folder: str, must: float, best: float, recipe: dict[str, Any]) -> Exam:
    """Return the exam of one data set."""
    return Exam(
        name=name,
        task="signal_classification",
        folder=f"datasets/data/{folder}",
        package="aeon",
        files=(f"{folder}_TRAIN.ts", f"{folder}_TEST.ts"),
        protocol=f"{folder}, the archive's own parts; weights chosen on a tenth of the training "
        "part.",
        metric=METRIC,
        must=must,
        seeds=5,
        minutes=3.0,
        sit=partial(sit, recipe=recipe),
        peers={"MiniRocket (aeon)": rocket, "1-NN DTW (aeon)": neighbour},
        recipe=recipe,
        published=(Published("LSTM-FCN, about", best, FAMILY),),
    )


FAMILY = "rounded, not traced to a table; the models: https://arxiv.org/abs/1709.05206, 1801.04503"
BESIDE = {"placement": "beside", "epochs": 60}
CURVES = {"bidirectional": True, "noise": 0.2}
SIGNALS = (
    exam("japanese-vowels", "JapaneseVowels", 98.0, 99.0, BESIDE),
    exam("basic-motions", "BasicMotions", 100.0, 100.0, {}),
    exam("gunpoint", "GunPoint", 97.0, 100.0, CURVES),
    exam("italy-power-demand", "ItalyPowerDemand", 96.0, 96.0, CURVES),
)
