"""How many tokens a second does a whole training run see, against plain PyTorch with packing?"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch

import recurra
from recurra.benchmarks.contest import Target
from recurra.benchmarks.peers import plain_torch
from recurra.benchmarks.question import Question, Settings, Skipped
from recurra.benchmarks.results import Row
from recurra.data.readers import tabular
from recurra.tasks.run import complete
from recurra.tasks.sentiment import SENTIMENT, fit

TARGET = Target(2.5, 5.0)
EPOCHS = 3
CELLS = ("lstm", "gru")


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield rows for one cell: speed, and quality.

    Raises:
        Skipped: there is no data.
    """
    folder = settings.data / "sst2" if settings.data else None
    if folder is None or not folder.is_dir():
        raise Skipped("no SST-2 here: name its parent folder by --data, or by RECURRA_DATA")
    with tempfile.TemporaryDirectory() as place:  # imports and first calls are nobody's training
        one(part, beginning(folder, Path(place)), settings._replace(quick=True), seed=0)
    runs = [one(part, folder, settings, seed) for seed in range(1 if settings.quick else 2)]
    ours, peers = [run[0] for run in runs], [run[1] for run in runs]
    mine, other = median(t for t, _ in ours), median(t for t, _ in peers)
    right, others = (sum(a for _, a in side) / len(side) for side in (ours, peers))
    tokens, examples = runs[0][2]
    # twice the standard error of a difference of two accuracies
    noise = 2 * math.sqrt(2 * others * (1 - others) / (examples * len(runs)))
    common: dict[str, Any] = {
        "question": "training",
        "part": part,
        "cell": part.upper(),
        "shape": (32, 0, 64, 128),
        "threads": settings.threads,
        "engine": "automatic",
    }
    ratios = sorted(b[0] / a[0] for a, b in zip(ours, peers, strict=True))
    yield Row(
        **common,
        peer="plain PyTorch, packed",
        ratio=other / mine,
        spread=(ratios[-1] - ratios[0]) / median(ratios),
        ours_ms=1e3 * mine,
        peer_ms=1e3 * other,
        must=TARGET.must,
        aim=TARGET.aim,
        note=f"whole runs; {tokens / mine:,.0f} against {tokens / other:,.0f} tokens/s",
    )
    yield Row(
        **common,
        peer="plain PyTorch, packed: its accuracy",
        ratio=right / others,
        must=(others - noise) / others,
        note=f"test accuracy {right:.3f} against {others:.3f}, noise {noise:.3f}",
    )


def beginning(folder: Path, place: Path) -> Path:
    """Return a folder with the first rows of each file."""
    for path in folder.glob("*.tsv"):
        rows = path.read_text(encoding="utf-8").splitlines()[:200]
        (place / path.name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return place


def one(
    cell: str, folder: Path, settings: Settings, seed: int
) -> tuple[tuple[float, float], tuple[float, float], tuple[int, int]]:
    """Return seconds and accuracy of both sides, and how many tokens and test rows there are.

    Both read the files, build the vocabulary, train, validate after each epoch, keep the best
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
        ours = time.perf_counter() - start, model.metrics["test"]["accuracy"]
    recipe = complete(SENTIMENT, fields)
    start = time.perf_counter()
    splits = tabular.read(recipe)
    codec = fit(splits.train, recipe)
    encoded = [
        [codec.encode(row) for row in rows] for rows in (splits.train, splits.valid, splits.test)
    ]
    torch.manual_seed(seed)
    accuracy = plain_torch.train(recipe, codec, *encoded)
    peer = time.perf_counter() - start, accuracy
    tokens = recipe.epochs * sum(len(item[0]) for item in encoded[0])
    return ours, peer, (tokens, len(encoded[2]))


TRAINING = Question(
    "training",
    "A whole training run on SST-2: bidirectional, 128 wide, attention pooling; two seeds.",
    CELLS,
    answer,
    5.0,
)
