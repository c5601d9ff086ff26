"""Kernels as Triton's compiler takes them, without a GPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton", reason="Triton is for Linux")

SHARED = 227 * 1024  # bytes of a processor's shared memory on an H100


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Elman", "GRU", "IndRNN", "LSTM", "SLSTM"])
def test_an_h100_can_run_it(name: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engines.triton.recurrent_compiled", name],
        env=environment,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=540,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == 2 * ["forward", "backward"]
    for _, shared, _ in lines:
        assert int(shared) <= SHARED
