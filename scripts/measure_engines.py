"""Measure the engines on this machine, and write the package's table for these kernels.

`python scripts/measure_engines.py` on a quiet machine; `recurra engines --measure` is the user's.
A machine with AVX-512 stands for one without where the environment says RECURRA_ISA=avx2,
ONEDNN_MAX_CPU_ISA=AVX2 and ATEN_CPU_CAPABILITY=avx2.
"""

import argparse
from pathlib import Path

import torch
from rich.progress import track

import recurra.engines
from recurra.engines.measurement import QUICK, THOROUGH, USUAL, measure, questions
from recurra.engines.native import library
from recurra.engines.table import write

HOME = Path(recurra.engines.__file__).with_name("measured")
SHAPES = {"quick": QUICK, "usual": USUAL, "thorough": THOROUGH}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--shapes", choices=list(SHAPES), default="thorough")
    parser.add_argument("--seconds", type=float, default=0.25, help="of each cell, mode and shape")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    table = measure(track(questions(SHAPES[arguments.shapes])), arguments.seconds)
    path = HOME / f"{library.isa()}.json"
    write(path, table)
    print(f"{path}: {len(table.shapes)} shapes, {len(table.faster)} exceptions")


if __name__ == "__main__":
    main()
