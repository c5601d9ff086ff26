"""What must not be learned from changes nothing: the test part, and the validation part's answers.

A run whose test part is nonsense has the same model, bit for bit, and scores nonsense. One whose
validation part is nonsense goes the same way, and stops to look at it elsewhere.
"""

from typing import Any

import pytest
import torch

from recurra.storage import load_tensors
from recurra.tasks.catalogue import TASKS
from recurra.tasks.task import LOWER_IS_BETTER, Task

from .conftest import Runs, Trained
from .paths import FIGURES

EVERY = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
TIMES = {"seconds", "tokens_per_second"}


def files(trained: Trained) -> dict[str, bytes]:
    """Return the codec's files and the weights."""
    own = ("config.json", "README.md", "report.html", "metrics.jsonl", "last.safetensors")
    paths = [path for path in trained.folder.iterdir() if path.is_file() and path.name not in own]
    return {path.name: path.read_bytes() for path in paths}


def log(trained: Trained) -> list[dict[str, Any]]:
    return [{k: v for k, v in entry.items() if k not in TIMES} for entry in trained.log]


@EVERY
def test_nonsense_in_the_test_part_scores_nonsense_and_changes_nothing(task: Task, runs: Runs):
    clean, poisoned = runs(task.name), runs(task.name, "test")
    assert log(clean) == log(poisoned)
    assert files(clean) == files(poisoned)
    assert {"model.safetensors"} < set(files(clean))
    same = ("valid_examples", "best_step", "stopped", "train_examples")
    assert [clean.metrics[name] for name in same] == [poisoned.metrics[name] for name in same]
    good, bad = clean.metrics["test"], poisoned.metrics["test"]
    # of these, neither more nor fewer is better
    for name in good.keys() - {"alarms_per_1000", "length_ratio"}:
        if name in {*LOWER_IS_BETTER, "perplexity", "bits_per_character"}:
            assert bad[name] > 1.05 * good[name]
        else:
            assert bad[name] < 0.8 * good[name]
    figures = FIGURES[task.name][0](poisoned, "test")
    assert bad == pytest.approx(figures, rel=2e-5, abs=1e-6)


@EVERY
def test_nonsense_in_the_validation_part_changes_the_selection_alone(task: Task, runs: Runs):
    clean, poisoned = runs(task.name), runs(task.name, "valid")
    ends = [load_tensors(run.folder / "last.safetensors")[0] for run in (clean, poisoned)]
    assert set(ends[0]) == set(ends[1])
    for name, tensor in ends[0].items():
        assert torch.equal(tensor, ends[1][name]), name
    for one, other in zip(log(clean), log(poisoned), strict=True):
        assert one["train_loss"] == other["train_loss"]
        assert one["loss"] != other["loss"]
    codecs = [
        {name: content for name, content in files(run).items() if "safetensors" not in name}
        for run in (clean, poisoned)
    ]
    assert codecs[0] == codecs[1]
    assert clean.metrics["baseline"] == poisoned.metrics["baseline"]
    assert clean.metrics["best_step"] != poisoned.metrics["best_step"]
    assert files(clean) != files(poisoned)
