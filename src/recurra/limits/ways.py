"""Recurrent layers by kind and start, ours and PyTorch's, that experiments set side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

import recurra.init
from recurra.cells import GRU, LRU, LSTM, RGLRU, Cell, Elman, IndRNN, MinGRU
from recurra.layers import Layer, Pointwise, Recurrent, Stack
from recurra.layers.conversion import from_torch


class Way(NamedTuple):
    """A layer as it starts.

    Args:
        name: on the page.
        ours: whether it is recurra's, or PyTorch's as it is made.
        build: input size, hidden size, longest dependency in steps → the layer.
    """

    name: str
    ours: bool
    build: Callable[[int, int, int], Layer]


def plain(kind: type[nn.RNN | nn.LSTM | nn.GRU], **options: Any) -> Way:
    """Return a module of `torch.nn` with its own weights; `from_torch` computes the same."""
    made: Callable[..., Any] = kind
    return Way(
        f"nn.{kind.__name__}",
        False,
        lambda size, hidden, _: from_torch(made(size, hidden, batch_first=True, **options)),
    )


def own(name: str, kind: type[Cell[Any]], *, timed: bool = False, **options: Any) -> Way:
    """Return a cell of recurra; `timed`: it is told the longest dependency."""

    def build(size: int, hidden: int, steps: int) -> Layer:
        told: dict[str, Any] = {"time_scale": float(steps)} if timed else {}
        return Recurrent(kind(size, hidden, **options, **told))

    return Way(name, True, build)


def ringed(kind: type[Cell[Any]], size: int, hidden: int, steps: int) -> Layer:
    """Return a cell whose steps turn, and decay with time scales of `steps` to ten times that."""
    layer = Recurrent(kind(size, hidden))
    recurra.init.ring(layer, 1 - 1 / steps, 1 - 0.1 / steps)
    return layer


def rectified_lru(size: int, hidden: int, steps: int) -> Layer:
    """Return a relu layer below an LRU, which is linear by itself and hardly turns."""
    cell = LRU(hidden, hidden)
    recurra.init.ring(cell, 1 - 1 / steps, 1 - 0.1 / steps, 10 / steps)
    relu = nn.Sequential(nn.Linear(size, hidden), nn.ReLU())
    return Stack(Pointwise(relu, size, hidden), cell)


RNN, TORCH_LSTM, TORCH_GRU = plain(nn.RNN), plain(nn.LSTM), plain(nn.GRU)
ORTHOGONAL = own("Elman, orthogonal", Elman)
IDENTITY = own("Elman(relu), identity", Elman, nonlinearity="relu")
RING = Way("Elman, ring", True, lambda *sizes: ringed(Elman, *sizes))
INDRNN = own("IndRNN, time_scale", IndRNN, timed=True)
UNIT_FORGET = own("LSTM, forget bias 1", LSTM)
CHRONO_LSTM = own("LSTM, time_scale", LSTM, timed=True)
CHRONO_GRU = own("GRU, time_scale", GRU, timed=True)
CHRONO_MINGRU = own("MinGRU, time_scale", MinGRU, timed=True)
CHRONO_RGLRU = own("RGLRU, time_scale", RGLRU, timed=True)
RING_LRU = Way("LRU on a ring", True, lambda *sizes: ringed(LRU, *sizes))
RECTIFIED_LRU = Way("LRU on a ring, after relu", True, rectified_lru)
