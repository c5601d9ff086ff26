"""Trains the tiny network in one of several processes; torchrun starts it."""

import sys
from pathlib import Path

import torch

from recurra import bundle
from recurra.training.checkpoint import RunFolder
from recurra.training.fit import fit
from tests.training.tiny import collate, network, recipe, rows, validate

torch.set_num_threads(1)
FIELDS = {"precision": "64-true", "batch_size": 3, "accumulate": 2, "epochs": 2, "clip": 0.3}


def train(folder: Path, **fields) -> None:
    chosen = recipe(**{**FIELDS, **fields})
    history = fit(
        network(),
        rows(13),  # the last batch has one row: one process has none
        collate,
        recipe=chosen,
        run=RunFolder(folder, every=0.0),
        validate=validate,
        metric="loss",
        higher=False,
    )
    (folder / f"rank{torch.distributed.get_rank()}").write_text(repr(history.best))


def prepare(folder: Path) -> Path:
    return bundle.write(folder, {"task": "t", "recipe": {}}, network().state_dict(), {}, "")


if __name__ == "__main__":
    train(Path(sys.argv[1]))
    # Resumed in the same two processes: an epoch more, as far as one process goes in three.
    train(Path(sys.argv[1]), epochs=3, resume=True)
