"""Print the megabytes that one train step adds to this process at its peak.

python -m recurra.benchmarks.memory LSTM recurra 2 16 2048 256 256
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from recurra.benchmarks.job import prepare, recurra
from recurra.benchmarks.peers import torch_nn
from recurra.cells import MinGRU, find


def highest() -> float:
    """Return the peak of this process's resident memory so far, in megabytes."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main(argv: list[str]) -> None:
    """Take the step once on hardly anything, then on the shape, and print the difference."""
    name, side, threads, *shape = argv
    torch.set_num_threads(int(threads))
    kind = find(name.lower())
    peer = torch_nn.gru if kind is MinGRU else torch_nn.padded
    enter = recurra if side == "recurra" else peer
    enter(prepare(kind, (1, 8, 8, 8))).run()
    entry = enter(prepare(kind, [int(size) for size in shape]))
    before = highest()
    entry.run()
    print(json.dumps(highest() - before))


if __name__ == "__main__":
    main(sys.argv[1:])
