"""Streams are compared step by step, after they were checked."""

from collections.abc import Iterator

import pytest
import torch

from recurra.benchmarks.question import Settings
from recurra.benchmarks.questions.narrow import NARROW, Streamed
from recurra.benchmarks.questions.streaming import STREAMING, trust
from recurra.cells import LSTM
from recurra.engines.native import library
from recurra.errors import RecurraError
from recurra.layers import Recurrent

SETTINGS = Settings(threads=1, quick=True)
native = pytest.mark.skipif(library.missing() is not None, reason=library.NOT_BUILT)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@native
@pytest.mark.parametrize("part", STREAMING.parts)
def test_a_step_is_compared_with_peers(part: str):
    rows = [row for row in STREAMING.answer(part, SETTINGS) if row.peer == "torch.nn"]
    cells = ["LSTM", "GRU", "Elman"] if part == "single" else ["LSTM", "GRU"]
    assert [row.cell for row in rows] == cells
    assert all(max(row.error, row.peer_error) < 1e-5 for row in rows)


@native
def test_narrow_weights_tell_what_they_change():
    rows = list(NARROW.answer("speed", SETTINGS))
    assert [row.note for row in rows[:3]] == [
        f"{n} weights" for n in ("int8", "float16", "bfloat16")
    ]
    assert all(row.peer_error < 1e-5 < row.error < 0.1 for row in rows)


def test_a_layer_read_by_a_stream_is_that_layer():
    layer, x, lengths = Recurrent(LSTM(3, 5)), torch.randn(3, 6, 3), torch.tensor([6, 0, 4])
    want, state = layer(x, lengths=lengths)
    got, last = Streamed(layer, "float32")(x, lengths=lengths)
    torch.testing.assert_close((got, tuple(last)), (want, tuple(state)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("error", [1e-4, float("nan")])
def test_a_wrong_step_is_not_timed(error: float):
    with pytest.raises(RecurraError, match="a step is off by"):
        trust(error, "a step")
