"""Pieces without a right answer: how unlikely each was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from recurra.reports import Part, Table
from recurra.tasks.evaluation import mean_loss
from recurra.tasks.review.lengths import per_length
from recurra.tasks.task import Codec

MOST = 200  # pieces that are gone through one by one


def of_pieces(network: nn.Module, codec: Codec, rows: Sequence[Any], unit: str) -> list[Part]:
    """Return the loss by length, and the pieces that were least expected.

    Args:
        network: a topology that learns pieces.
        codec: of pieces; its second tensor is what is to be foretold, step by step.
        rows: the pieces.
        unit: what a step is.
    """
    rows = rows[:MOST]
    sizes = [len(codec.encode(row)[1]) for row in rows]
    losses = [mean_loss(network, codec, [row])["loss"] for row in rows]

    def mean(some: Sequence[int]) -> dict[str, float]:
        count = sum(sizes[i] for i in some)
        return {"nll": sum(losses[i] * sizes[i] for i in some) / max(count, 1)}

    ranked = sorted(range(len(rows)), key=lambda i: -losses[i])
    table = Table(
        "Least expected pieces",
        ["piece", unit, "nll"],
        [[rows[i].where, sizes[i], losses[i]] for i in ranked],
        f"−log p of a step in nats; of the first {len(rows):,} pieces.",
    )
    return [*per_length(sizes, unit, mean), table]
