"""10,000 wrong calls in a program of their own, at pages that no one may touch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from recurra import inputs
from recurra.cells import GRU, LSTM
from recurra.errors import InputError, InputTypeError
from recurra.layers import Recurrent, Stack
from tests.inputs.entries import MAKERS


def test_each_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.inputs.wrong_calls", "--calls", "10000"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    # a negative code: the program was ended by the system, its memory broken
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
    assert f"wrong calls of {len(MAKERS)} entries were refused" in run.stdout


WRONG = pytest.mark.unchecked("checked annotations refuse it first")


@WRONG
@pytest.mark.parametrize("engine", [None, "loop", "native", "vendor"])
def test_what_is_said(engine: str | None) -> None:
    layer, x = Recurrent(LSTM(2, 4), engine=engine), torch.zeros(2, 5, 2)
    for size in (1, 3):
        with pytest.raises(InputError, match=f"lengths has {size} entries for 2 rows"):
            layer(x, lengths=torch.ones(size, dtype=torch.int64))
    with pytest.raises(InputError, match="lengths has -1; a row has 0 steps or more"):
        layer(x, lengths=torch.tensor([3, -1]))
    with pytest.raises(InputTypeError, match=r"lengths is torch.float32; it counts steps"):
        layer(x, lengths=torch.tensor([3.0, 1.0]))
    with pytest.raises(InputError, match=r"state h is \[1, 4\]; for 2 rows, LSTM takes \[2, 4\]"):
        layer(x, layer.initial_state(1))
    with pytest.raises(InputTypeError, match=r"the state is \(a tensor, .*takes LSTMState\(h, c\)"):
        layer(x, tuple(layer.initial_state(2)))
    with pytest.raises(InputError, match=r"x is torch.float64 on cpu; LSTM takes torch.float32"):
        layer(x.double())
    with pytest.raises(InputError, match=r"LSTM takes \[batch time 2\]; got \[2, 5, 3\] as x"):
        layer(torch.zeros(2, 5, 3))
    with pytest.raises(InputTypeError, match="x is a list"):
        layer(x.tolist())


@WRONG
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32])
def test_lengths_of_any_whole_numbers(dtype: torch.dtype) -> None:
    layer, x = Stack(GRU(2, 4), GRU(4, 4)), torch.randn(3, 5, 2)
    lengths = torch.tensor([0, 5, 3])
    torch.testing.assert_close(layer(x, lengths=lengths.to(dtype)), layer(x, lengths=lengths))


def test_beyond_the_time_a_length_is_cut() -> None:
    layer, x = Recurrent(GRU(2, 4)), torch.randn(2, 5, 2)
    torch.testing.assert_close(
        layer(x, lengths=torch.tensor([9, 3])), layer(x, lengths=torch.tensor([5, 3]))
    )


def test_memory_that_is_shorter_than_it_says() -> None:
    x = torch.zeros(2, 5, 2)
    x.untyped_storage().resize_(8)
    assert inputs.impure(x) == "a tensor's memory was freed or shortened"
