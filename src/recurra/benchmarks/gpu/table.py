"""Measure the engines of LSTM and GRU on this GPU, briefly, for the choices of what runs after.

python -m recurra.benchmarks.gpu.table --seconds 40
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import product, takewhile
from typing import Any

import torch

from recurra.cells import GRU, LSTM, Cell
from recurra.engines import adopt
from recurra.engines.measurement import Question, measure
from recurra.engines.table import MODES, gpu, in_force

SHAPES = (32, 512, 512), (16, 1024, 768)  # those of the cases


def asked() -> list[Question]:
    """Return what is measured, the most asked for first."""
    kinds: tuple[type[Cell[Any]], ...] = LSTM, GRU
    wanted = product(reversed(MODES), SHAPES, kinds)
    return [Question(kind, mode, shape) for mode, shape, kind in wanted]


def main(argv: list[str] | None = None) -> int:
    """Measure until the time is over, and return an exit code: 2 where there is no GPU."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=40.0, help="when no question is begun")
    given = parser.parse_args(argv)
    if not torch.cuda.is_available():
        print("there is no NVIDIA GPU that torch can use here: no table", file=sys.stderr)
        return 2
    device = torch.device("cuda")
    if in_force(0, gpu(device)).source != "no":
        print("this GPU has a table already, which is kept")
        return 0
    began = time.perf_counter()
    some = takewhile(lambda _: time.perf_counter() - began < given.seconds, asked())
    print(f"the table is in {adopt(measure(some, device=device))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
