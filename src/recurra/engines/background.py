"""Where no table of measurements holds, one is measured in the background: the next process's.

A choice never changes within a process, so that results can be repeated. The measuring process is
one for each processor, torch, kernels and number of threads: who makes the file of its claim first
starts it. It takes some seconds of what the machine leaves, for LSTM, GRU and Elman, of which alone
torch has kernels too.
"""

import multiprocessing
import os
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import torch

from recurra.engines.native import library
from recurra.engines.table import background_file, write

SWITCH = "RECURRA_MEASURE"  # 0: never
LAUNCHED = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID")
STALE = 24 * 3600  # seconds after which a claim without a table counts as given up
CELLS = ("LSTM", "GRU", "Elman")
SHAPES = tuple(product((1, 8, 32, 128), (2, 8, 64), (64, 128, 256, 512)))
SECONDS = 0.05  # of a cell, mode and shape


def refused() -> str | None:
    """Return why nothing is measured by itself here, or None."""
    if os.environ.get(SWITCH) == "0":
        return f"{SWITCH} is 0"
    if library.missing():
        return "the native library is not built here"
    if multiprocessing.parent_process() is not None or any(name in os.environ for name in LAUNCHED):
        return "this process was started by another for a part of its work"
    return None if sys.executable else "there is no Python to start"


def begin(threads: int) -> bool:
    """Start measuring, unless it is refused, has begun before, or nothing could be kept.

    Returns:
        Whether this call has started it.
    """
    if refused() is not None:
        return False
    try:
        claim = background_file(threads).with_suffix(".claim")
        claim.parent.mkdir(parents=True, exist_ok=True)
        if claim.exists() and time.time() - claim.stat().st_mtime > STALE:
            claim.unlink()
        claim.touch(exist_ok=False)
        start(threads)
    except (OSError, RuntimeError):  # another has; the disk refuses; there is no home
        return False
    return True


def start(threads: int) -> None:
    """Start the measuring process, which outlives this one.

    Raises:
        OSError: it cannot be started.
    """
    subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(threads)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, SWITCH: "0"},
    )


def main(threads: int) -> Path:
    """Measure at low priority, and store the table; return its file."""
    from recurra.engines.measurement import measure, questions

    if hasattr(os, "nice"):
        os.nice(19)
    torch.set_num_threads(threads)
    asked = [question for question in questions(SHAPES) if question.kind.__name__ in CELLS]
    path = background_file(threads)
    write(path, measure(asked, SECONDS))
    return path


if __name__ == "__main__":
    main(int(sys.argv[1]))
