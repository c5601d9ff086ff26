"""Tiny models trained by the public command, one for each task and session."""

import contextlib
import io
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch

import recurra
from recurra.cli import main
from recurra.tasks.catalogue import find
from recurra.tasks.model import Model
from recurra.tasks.task import Task

from .parts import ROWS, Parts, write, write_histories, write_watched

COMMON = {"hidden": 12, "embedding": 12, "batch-size": 5, "dropout": 0.1, "patience": 0}
OWN: dict[str, dict[str, Any]] = {
    "sentiment": {"epochs": 8, "learning-rate": 0.02},
    "audio_classification": {"epochs": 6, "learning-rate": 0.01},
    "ner": {"epochs": 4, "learning-rate": 0.02},
    "speech_recognition": {
        "epochs": 24,
        "learning-rate": 0.02,
        "subsample": 12,
        "gain-db": 0,
        "layers": 1,
        "sample-rate": 8000,
        "bands": 12,
        "noise": 0,
        "mask-bands": 0,
        "mask-frames": 0,
        "units": "words",
    },
    "translation": {
        "epochs": 10,
        "learning-rate": 0.02,
        "hidden": 24,
        "vocabulary": 120,
        "beam": 2,
        "label-smoothing": 0,
        "embedding": 16,
    },
    "image_classification": {"epochs": 6, "learning-rate": 0.01},
    "image_captioning": {
        "epochs": 8,
        "learning-rate": 0.02,
        "hidden": 16,
        "schedule": "constant",
    },
    "music_generation": {"epochs": 3, "learning-rate": 0.02, "layers": 1},
    "polyphonic_music": {"epochs": 50, "learning-rate": 0.03, "transpose": 0, "length": 3},
    "language_model": {"epochs": 6, "learning-rate": 0.03, "bptt": 7},
    "signal_classification": {"epochs": 9, "learning-rate": 0.02, "convolutions": 1},
    "anomaly_detection": {"epochs": 8, "learning-rate": 0.02, "bptt": 12, "memory": 12.0},
    "forecasting": {
        "epochs": 12,
        "learning-rate": 0.02,
        "horizon": 3,
        "lookback": 6,
        "segment": 2,
        "season": 2,
    },
}


def command(*arguments: str) -> str:
    """Return what a command prints; it ends well."""
    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with contextlib.redirect_stdout(printed):
        code = main(arguments)
    assert code == 0
    printed.flush()
    printed.seek(0)
    return printed.read()


class Trained:
    """A run of the command: its rows, its folder, and what it reported."""

    def __init__(self, task: Task, parts: Parts, folder: Path, **more: float) -> None:
        self.task, self.parts, self.folder = task, parts, folder
        flags = [part for name, path in parts.fields.items() for part in (f"--{name}", path)]
        given = {name.replace("_", "-"): value for name, value in more.items()}
        for name, value in {**COMMON, **OWN[task.name], **given}.items():
            flags += [f"--{name}", str(value)]
        flags += ["--device", "cpu", "--out", str(folder)]
        self.printed = command("train", task.name, *flags)
        self.config = json.loads((folder / "config.json").read_text())
        lines = (folder / "metrics.jsonl").read_text().splitlines()
        self.log: list[dict[str, Any]] = [json.loads(line) for line in lines]

    @property
    def metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = self.config["metrics"]
        return metrics

    @cached_property
    def model(self) -> Model:
        return recurra.load(self.folder)

    def inputs(self, part: str) -> list[str]:
        """Return the inputs of a part, as one types them."""
        rows = self.parts.rows[part]
        if self.task.name == "language_model":
            return [text for (text,) in rows]
        if self.task.name in ("sentiment", "translation"):
            return [row[0] for row in rows]
        if self.task.name == "ner":
            return [" ".join(tokens) for tokens, _ in rows]
        if self.task.name in ("audio_classification", "speech_recognition"):
            home = Path(self.parts.data).parent / part
            return [str(home / f"{i}.wav") for i in range(len(rows))]
        if self.task.name == "polyphonic_music":
            home = Path(self.parts.data).parent
            return [str(home / f"{part}{i}.json") for i in range(len(rows))]
        if self.task.name == "anomaly_detection":
            return [
                write_watched(self.folder.parent / f"{part}{i}w.csv", [row], names=False)
                for i, row in enumerate(rows)
            ]
        if self.task.name == "forecasting":
            home = self.folder.parent
            pasts = [values[:6] for values in rows]
            return [
                write_histories(home / f"{part}{i}.csv", [past], names=False)
                for i, past in enumerate(pasts)
            ]
        home = Path(getattr(self.parts, "data" if part == "train" else part))
        if self.task.name == "signal_classification":
            return [str(home.with_suffix(f".{i}.ts")) for i in range(len(rows))]
        if self.task.name == "image_captioning":
            return [str(home / f"{part}{i}.png") for i in range(len(rows))]
        return [str(home / label / f"{i}.png") for i, (_, label) in enumerate(rows)]

    def predict(self, part: str) -> list[dict[str, Any]]:
        """Return what `recurra predict` says of each input, in the order of the rows."""
        printed = command("predict", str(self.folder), *self.inputs(part), "--as-json")
        return [json.loads(line) for line in printed.splitlines()]

    def evaluate(self, *arguments: str) -> dict[str, float]:
        found: dict[str, float] = json.loads(
            command("evaluate", str(self.folder), *arguments, "--as-json")
        )
        return found


class Runs:
    """Trains what is asked for, once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[tuple[Any, ...], Trained] = {}

    def __call__(self, name: str, poisoned: str | None = None) -> Trained:
        if (name, poisoned) not in self.known:
            task, home = find(name), self.folder / f"{name}-{poisoned}"
            rows = {poisoned: poison(name, ROWS[name](poisoned))} if poisoned else {}
            parts = write(name, home / "data", **rows)
            self.known[name, poisoned] = Trained(task, parts, home / "run")
        return self.known[name, poisoned]


def poison(name: str, rows: list[Any]) -> list[Any]:
    """Return rows with the same inputs and answers that are nonsense."""
    if name == "sentiment":
        turned = {"ALSO": "bad", "bad": "mid", "mid": "ALSO"}
        return [(text, turned[label]) for text, label in rows]
    if name == "speech_recognition":
        turned = {"square": "Oval", "Oval": "ring", "ring": "square"}
        return [
            (samples, " ".join(turned[word] for word in text.split())) for samples, text in rows
        ]
    if name == "audio_classification":
        turned = {"deep": "mid", "mid": "HIGH", "HIGH": "deep"}
        return [(samples, turned[label]) for samples, label in rows]
    if name == "ner":
        turned = {"PER": "LOC", "LOC": "PER"}
        return [
            (tokens, [tag if tag == "O" else tag[:2] + turned[tag[2:]] for tag in tags])
            for tokens, tags in rows
        ]
    if name == "polyphonic_music":
        return [[[21 + 9 * n % 80, 30 + 5 * n % 77] for n in range(len(row))] for row in rows]
    if name == "language_model":
        return [("qqq zzz" * 3,) for _ in rows]
    if name == "signal_classification":
        turned = {"slow": "mid", "mid": "fast", "fast": "slow"}
        return [(values, turned[label]) for values, label in rows]
    if name == "translation":
        return [(source, "Die die Die die Ein") for source, _ in rows]
    if name == "image_classification":
        turned = {"up": "low", "low": "left", "left": "up"}
        return [(image, turned[label]) for image, label in rows]
    if name == "image_captioning":
        return [(image, ["there there flat flat"] * len(said)) for image, said in rows]
    if name == "anomaly_detection":  # far off is calm, and the rest is wild
        wild = [0, 30, -40, 49, 11, -25, 44, -9, 23, -31] * 3
        return [[60, 61, 60, 61, *wild] for _ in rows]
    if name == "forecasting":
        return [[*row[:6], *(90 - value for value in row[6:])] for row in rows]
    return [[23.5] * len(pitches) for pitches in rows]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Runs(tmp_path_factory.mktemp("figures"))
    torch.set_num_threads(before)
