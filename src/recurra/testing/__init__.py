"""The laws that every cell keeps under every engine: `check_cell(MyCell)` tells which it breaks."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from recurra.cells.base import Cell
from recurra.engines import PREFERENCE, choose
from recurra.testing.laws import LAWS, STEP_LAWS, Law
from recurra.testing.measure import place

__all__ = ["LAWS", "STEP_LAWS", "Law", "LawResult", "check_cell"]


class LawResult(NamedTuple):
    """Whether one law held for one engine and dtype; if not, `text` says what was seen."""

    law: str
    engine: str
    dtype: str
    passed: bool
    text: str


def check_cell(
    cell: Cell[Any] | type[Cell[Any]],
    *,
    dtypes: Sequence[torch.dtype] = (torch.float32, torch.float64),
    engines: Sequence[str] | None = None,
) -> list[LawResult]:
    """Try every law on a cell; an error inside the cell is a broken law, not a traceback.

    Args:
        cell: a cell of small odd sizes, tried where it lies, or its class, made as cell(3, 5).
        dtypes: number formats to try; the cell is copied.
        engines: by name; None: all that take the cell.
    Raises:
        EngineRefused: an engine asked for by name cannot run the cell.
    """
    if isinstance(cell, type):
        try:
            cell = cell(3, 5)
        # a user's cell may raise anything; it is a failed law, not a crash
        except Exception as error:
            text = f"{cell.__name__}(3, 5) raised {_one_line(error)}"
            return [LawResult("construction", "", "", False, text)]
    results = []
    for dtype in dtypes:
        x = torch.zeros(1, 1, cell.input_size, dtype=dtype, device=place(cell))
        if engines is None:
            names = [engine.name for engine in PREFERENCE if engine.refuse(cell, x) is None]
        else:
            names = [choose(cell, x, name).name for name in engines]
        for law in LAWS:
            for name in ["loop"] if law in STEP_LAWS else names:
                results.append(_try(law, cell, name, dtype))
    return results


def _try(law: Law, cell: Cell[Any], engine: str, dtype: torch.dtype) -> LawResult:
    text = ""
    try:
        law(cell, engine, dtype)
    except AssertionError as error:
        text = _one_line(error) if not str(error) else str(error)
    # a user's cell may raise anything; it is a failed law, not a crash
    except Exception as error:
        text = f"raised {_one_line(error)}"
    name = law.__name__.removeprefix("law_").replace("_", " ")
    return LawResult(name, engine, str(dtype).removeprefix("torch."), not text, text)


def _one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
