"""Cells × engines × tools of torch: the same numbers as `loop` in float64, or a reason in words."""

from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.engines import order, unroll
from recurra.errors import EngineRefused
from recurra.layers import Recurrent
from tests.transforms.tools import ROWS, SIZE, TIME, TOOLS, Make, Numbers

# those of GPUs are under these tools in their own tests
ENGINES = [None, *(engine.name for engine in order(TIME))]
# of float32 against float64 over a few steps; of bfloat16 there are 8 bits
WITHIN = {torch.float64: (1e-9, 1e-10), torch.float32: (2e-4, 2e-5), torch.bfloat16: (0.1, 0.1)}


class Outcome(NamedTuple):
    """Whether it works; else the reason that was given."""

    works: bool
    reason: str = ""


def maker(kind: type[Cell[Any]], engine: str | None, dtype: torch.dtype) -> Make:
    """Return what makes the layer, with the same weights at each call and in each type."""

    def make() -> Recurrent:
        torch.manual_seed(0)
        return Recurrent(kind(SIZE, SIZE), engine=engine).to(dtype)

    return make


@cache
def expected(tool: str, kind: type[Cell[Any]]) -> Numbers:
    """Return the numbers of `loop` in float64."""
    return TOOLS[tool](maker(kind, "loop", torch.float64))


def runs(kind: type[Cell[Any]], engine: str, dtype: torch.dtype) -> bool:
    """Return whether an engine runs a cell at all, without any tool."""
    cell = kind(SIZE, SIZE).to(dtype)
    try:
        unroll(cell, torch.zeros(ROWS, TIME, SIZE, dtype=dtype), engine=engine)
    except EngineRefused:
        return False
    return True


def outcome(tool: str, kind: type[Cell[Any]], engine: str | None) -> Outcome:
    """Return what comes of a tool; numbers that differ are an AssertionError.

    An automatic choice and `native` are tried in float32, where `native` is; others in float64.
    """
    dtype = torch.float32 if engine in (None, "native") else torch.float64
    try:
        got = TOOLS[tool](maker(kind, engine, dtype))
    except EngineRefused as refused:
        return Outcome(works=False, reason=str(refused))
    except Exception as error:  # torch wraps what is raised while it makes a graph
        text = _refusal(error)
        if text is None:
            raise
        return Outcome(works=False, reason=text)
    rtol, atol = WITHIN[torch.bfloat16 if tool == "autocast" else dtype]
    wanted = _wanted(tool, kind, dtype)
    assert len(got) == len(wanted)
    for mine, theirs in zip(got, wanted, strict=True):
        assert not mine.numel() or mine.detach().abs().max() > 0 or theirs.abs().max() == 0
        torch.testing.assert_close(
            mine.detach().double(), theirs.detach().double(), rtol=rtol, atol=atol
        )
    return Outcome(works=True)


def _wanted(tool: str, kind: type[Cell[Any]], dtype: torch.dtype) -> Numbers:
    if tool == "time of 0":  # an initial state's least number is that of its type
        return TOOLS[tool](maker(kind, "loop", dtype))
    return expected(tool, kind)


def _refusal(error: BaseException | None) -> str | None:
    """Return the text of a refusal that an error of torch carries, or None."""
    while error is not None:
        if isinstance(error, EngineRefused):
            return str(error)
        if "EngineRefused" in str(error) or "no engine can run" in str(error):
            lines = [
                line
                for line in str(error).splitlines()
                if "cannot run" in line or "can run" in line
            ]
            return lines[0].strip() if lines else str(error).splitlines()[0]
        error = error.__cause__ or error.__context__
    return None


def kinds() -> dict[str, type[Cell[Any]]]:
    """Return the cells by name."""
    return {kind.__name__: kind for kind in CELLS}


__all__ = ["ENGINES", "Outcome", "Tensor", "kinds", "outcome", "runs"]
