"""Trains a network that carries its state, in one of several processes; torchrun starts it."""

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from recurra import bundle
from recurra.cells import GRU, LSTM
from recurra.data.batch import Continued
from recurra.data.windows import Stretches
from recurra.layers import Layer, Recurrent, Stack
from recurra.topologies import ManyToManyEqual, Softmax
from recurra.training.checkpoint import RunFolder
from recurra.training.fit import fit
from tests.training.tiny import recipe

SIZES, STEPS, LANES, CLASSES = [9, 4, 13, 1, 6, 20, 5], 4, 3, 6
STAGES: list[dict[str, Any]] = [{"epochs": 2}, {"epochs": 3, "resume": True}]


def network(body: Layer | None = None, dropout: float = 0.3) -> ManyToManyEqual:
    torch.manual_seed(3)
    body = body or Stack(Recurrent(LSTM(4, 5)), Recurrent(GRU(5, 5)), dropout=dropout)
    return ManyToManyEqual(nn.Linear(3, 4), body, nn.Linear(body.output_size, CLASSES), Softmax())


def sequences() -> list[tuple[Tensor, Tensor]]:
    random = torch.Generator().manual_seed(0)
    return [
        (torch.randn(n, 3, generator=random), torch.randint(CLASSES, (n,), generator=random))
        for n in SIZES
    ]


def collate(items: Any) -> Continued:
    x, y, fresh = zip(*items, strict=True)
    pad = nn.utils.rnn.pad_sequence
    lengths = torch.tensor([len(part) for part in x])
    return Continued(pad(list(x), True), lengths, pad(list(y), True), torch.stack(fresh))


def prepare(folder: Path) -> Path:
    return bundle.write(folder, {"task": "t", "recipe": {}}, network().state_dict(), {}, "")


def train(folder: Path, net: nn.Module | None = None, **fields: Any) -> None:
    fixed = {"batch_size": 4, "precision": "64-true", "clip": 0.3}
    fit(
        net or network(dropout=0.0),
        Stretches(sequences(), STEPS),
        collate,
        recipe=recipe(**(fixed if net is None else {}), **fields),
        run=RunFolder(folder, every=0.0),
        validate=lambda net: {"loss": float(sum(p.square().sum() for p in net.parameters()))},
        metric="loss",
        higher=False,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    for stage in STAGES:
        train(Path(sys.argv[1]), **stage)
