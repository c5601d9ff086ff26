"""Triton's compiler takes the scans, for all the GPUs that the engine takes."""

import os
import subprocess
import sys

import pytest

from recurra.engines.triton import LEAST


@pytest.mark.parametrize(
    ("capability", "chunk"),
    [(10 * LEAST[0] + LEAST[1], 8), pytest.param(90, 64, marks=pytest.mark.slow)],
)
def test_all_scans_are_compiled(capability: int, chunk: int) -> None:
    """In a process of its own, where nothing is interpreted."""
    pytest.importorskip("triton", reason="Triton is not installed")
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    told = subprocess.run(
        [sys.executable, "-m", "tests.engines.triton.compiled", str(capability), str(chunk)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip  # a call, and how
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("registers") == 24
