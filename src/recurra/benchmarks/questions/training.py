"""How long is a whole training run, against the loops that one writes in plain PyTorch?"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import torch

import recurra
from recurra.benchmarks.contest import Target
from recurra.benchmarks.peers import plain_torch
from recurra.benchmarks.question import Question, Settings, Skipped
from recurra.benchmarks.results import Row
from recurra.data.readers import tabular
from recurra.tasks.run import complete
from recurra.tasks.sentiment import SENTIMENT, fit

TARGET = Target(1.3, 2.0)
EPOCHS = 3
SEEDS = 2
CELLS = ("lstm", "gru")


class Run(NamedTuple):
    """One training run: how long it took, and the share of the test rows labelled rightly."""

    seconds: float
    accuracy: float


class Amount(NamedTuple):
    """How many tokens a run reads in training, and how many rows it is tested on."""

    tokens: int
    tested: int


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield rows for one cell: the time beside each loop, and the accuracy beside each.

    Raises:
        Skipped: there is no data.
    """
    folder = settings.data / "sst2" if settings.data else None
    if folder is None or not folder.is_dir():
        raise Skipped("no SST-2 here: name its parent folder by --data, or by RECURRA_DATA")
    with tempfile.TemporaryDirectory() as place:  # imports and first calls are nobody's training
        one(part, beginning(folder, Path(place)), settings._replace(quick=True), seed=0)
    seeds = range(1 if settings.quick else SEEDS)
    runs, amounts = zip(*(one(part, folder, settings, seed) for seed in seeds), strict=True)
    ours = [run[0] for run in runs]
    common: dict[str, Any] = {
        "question": "training",
        "part": part,
        "cell": part.upper(),
        "shape": (32, 0, 64, 128),
        "threads": settings.threads,
        "engine": "automatic",
    }
    for place_of_loop, loop in enumerate(plain_torch.LOOPS, 1):
        theirs = [run[place_of_loop] for run in runs]
        yield from compared(common, loop.name, ours, theirs, amounts[0])


def compared(
    common: dict[str, Any], peer: str, ours: list[Run], theirs: list[Run], amount: Amount
) -> Iterator[Row]:
    """Yield the row of the times of both, and that of their accuracies."""
    mine, other = (median(run.seconds for run in side) for side in (ours, theirs))
    right, others = (mean(run.accuracy for run in side) for side in (ours, theirs))
    # twice the standard error of a difference of two accuracies
    noise = 2 * math.sqrt(2 * others * (1 - others) / (amount.tested * len(ours)))
    ratios = sorted(b.seconds / a.seconds for a, b in zip(ours, theirs, strict=True))
    yield Row(
        **common,
        peer=peer,
        ratio=other / mine,
        spread=(ratios[-1] - ratios[0]) / median(ratios),
        ours_ms=1e3 * mine,
        peer_ms=1e3 * other,
        must=TARGET.must,
        aim=TARGET.aim,
        note=f"whole runs; {amount.tokens / mine:,.0f} against {amount.tokens / other:,.0f} "
        f"tokens/s; test accuracy {right:.3f} against {others:.3f}",
    )
    yield Row(
        **common,
        peer=f"{peer}: its accuracy",
        ratio=right / max(others, 1e-9),
        must=(others - noise) / max(others, 1e-9),
        note=f"test accuracy {right:.3f} against {others:.3f}, noise {noise:.3f}",
    )


def beginning(folder: Path, place: Path) -> Path:
    """Return a folder with the first rows of each file."""
    for path in folder.glob("*.tsv"):
        rows = path.read_text(encoding="utf-8").splitlines()[:200]
        (place / path.name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return place


def one(cell: str, folder: Path, settings: Settings, seed: int) -> tuple[list[Run], Amount]:
    """Return recurra's run, then that of each loop in plain PyTorch.

    All read the files, build the vocabulary, train, validate after each epoch, keep the best
    weights and evaluate them: all that a run is.
    """
    fields: dict[str, Any] = {
        "data": str(folder),
        "cell": cell,
        "epochs": 1 if settings.quick else EPOCHS,
        "patience": 0,
        "word_dropout": 0.0,
        "threads": settings.threads,
        "device": "cpu",
        "seed": seed,
    }
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        model = recurra.train("sentiment", out=f"{place}/run", **fields)
        runs = [Run(time.perf_counter() - start, model.metrics["test"]["accuracy"])]
    recipe = complete(SENTIMENT, fields)
    for loop in plain_torch.LOOPS:
        start = time.perf_counter()
        splits = tabular.read(recipe)
        codec = fit(splits.train, recipe)
        encoded = [
            [codec.encode(row) for row in rows]
            for rows in (splits.train, splits.valid, splits.test)
        ]
        torch.manual_seed(seed)
        sizes = len(codec.vocabulary), len(codec.labels)
        accuracy = plain_torch.train(loop, recipe, sizes, *encoded)
        runs.append(Run(time.perf_counter() - start, accuracy))
    tokens = recipe.epochs * sum(len(item[0]) for item in encoded[0])
    return runs, Amount(tokens, len(encoded[2]))


TRAINING = Question(
    "training",
    "A whole training run on SST-2: bidirectional, 128 wide, attention pooling; two seeds.",
    CELLS,
    answer,
    4.0,
)
