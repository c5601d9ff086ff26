"""One pool of threads with torch's; forks and threads of the user's own."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from recurra.cells import GRU, LSTM, Elman, MinGRU
from recurra.engines import unroll
from recurra.engines.native import library

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


def run(code: str, *arguments: str) -> str:
    """Return what a new process prints, ended after a minute."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_there_is_one_openmp() -> None:
    code = """
from recurra.engines.native import library
library.isa()
print(*{line.split()[-1] for line in open("/proc/self/maps") if "omp" in line and "/" in line})
"""
    libraries = [Path(name).name for name in run(code).split()]
    assert len([name for name in libraries if name.startswith(("libgomp", "libomp"))]) == 1


FORK = """
import os, signal, sys, torch
from recurra.cells import GRU, MinGRU
from recurra.engines import unroll

torch.manual_seed(0)
torch.set_num_threads(2)
cells, x = (GRU(64, 64), MinGRU(64, 64)), torch.randn(16, 40, 64)

def total():
    y = [unroll(cell, x, engine="native")[0].sum() for cell in cells]
    sum(y).backward()
    return sum(y).item() + x.repeat(64, 1, 1).tanh().sum().item()

first = total()
child = os.fork()
if child == 0:
    signal.alarm(30)  # of one that hangs
    torch.set_num_threads(int(sys.argv[1]))
    close = abs(total() - first) < 1e-3 * abs(first)
    os._exit(0 if close else 1)
assert abs(total() - first) < 1e-3 * abs(first)
print(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_forked_child_goes_on(threads: int) -> None:
    assert run(FORK, str(threads)).strip() == "0"


@pytest.mark.parametrize("kind", [GRU, LSTM, Elman, MinGRU])
def test_two_threads_at_once(kind: type) -> None:
    torch.manual_seed(0)
    cells = [kind(33, 70) for _ in range(2)]
    inputs = [torch.randn(9, 50, 33) for _ in range(2)]

    def work(i: int) -> list[torch.Tensor]:
        torch.set_num_threads(2)
        y, _ = unroll(cells[i], inputs[i], engine="native")
        return [y.detach(), *torch.autograd.grad(y.sum(), list(cells[i].parameters()))]

    threads = torch.get_num_threads()
    try:
        alone = [work(0), work(1)]
        with ThreadPoolExecutor(2) as pool:
            together = list(pool.map(work, [0, 1] * 8))
    finally:
        torch.set_num_threads(threads)
    for i, found in enumerate(together):
        for got, want in zip(found, alone[i % 2], strict=True):
            torch.testing.assert_close(got, want)
