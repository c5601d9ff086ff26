"""Our own kernels in Triton for GPUs; in Triton's interpreter, where it is on, for the CPU too."""

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import inputs
from recurra.cells.base import Cell, LinearCell, lift
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.indrnn import IndRNN
from recurra.cells.lru import LRU
from recurra.cells.lstm import LSTM
from recurra.cells.mingru import MinGRU
from recurra.cells.minlstm import MinLSTM
from recurra.cells.mlstm import MLSTM
from recurra.cells.rglru import RGLRU
from recurra.cells.slstm import SLSTM
from recurra.engines.base import Engine, Lengths, traced
from recurra.engines.fused import Fused, run_fused
from recurra.engines.shapes import misfit
from recurra.engines.transition import scan_transition, uneven, unlike
from recurra.engines.triton.padded import Padded
from recurra.errors import EngineRefused
from recurra.inputs import impure, transformed

# the module of each cell's kernels, whose `fused` gives them: imported when first used
KERNELS: dict[type[Cell[Any]], str] = {
    Elman: "recurrent",
    GRU: "recurrent",
    IndRNN: "indrnn",
    LRU: "lru",
    LSTM: "recurrent",
    MinGRU: "gated",
    MinLSTM: "gated",
    MLSTM: "mlstm",
    RGLRU: "rglru",
    SLSTM: "recurrent",
}

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
LEAST = (8, 0)  # compute capability: Ampere


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by Triton's kernels, on lines of padded rows."""
    inputs.state(cell, state, x.shape[0], inputs.weight(cell))  # its memory is read
    # Triton launches where torch is; torch gives the call no types
    with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
        return _run(cell, x, state, Padded(len(x), x.shape[1], lengths))


def _run(cell: Cell[Any], x: Tensor, state: Any, rows: Padded) -> tuple[Tensor, Any]:
    if type(cell) in KERNELS:
        y, state = run_fused(_fused(cell), cell, rows, rows.pack(x), state)
        return rows.view(y), state
    assert isinstance(cell, LinearCell)
    from recurra.engines.triton.scan import SCANS

    u = cell.project(rows.pack(x))
    transition = cell.transition(lift(u))
    if reason := unlike(cell, transition, len(u)):  # it may have changed since it was asked
        raise EngineRefused(_none(cell, reason))
    h, last = scan_transition(SCANS, rows, transition, state)
    y = rows.view(cell.read(u, type(state)(*h)))
    return rows.unpack(y.flatten(0, 1)), type(state)(*last)


def refuse(cell: Cell[Any], x: Tensor) -> str | None:
    """Refuse what has no kernels, other places and numbers than Triton's, and graphs."""
    if type(cell) not in KERNELS and not isinstance(cell, LinearCell):
        return f"there is no Triton kernel for {type(cell).__name__}"
    if traced():
        return "Triton kernels read memory, and a traced graph has none"
    if transformed():
        return "Triton kernels have no rules for vmap and derivatives of torch.func"
    if reason := _unfit(x) or missing(x.device) or impure(x):
        return reason
    if type(cell) in KERNELS:
        return misfit(cell, _unfit)
    assert isinstance(cell, LinearCell)
    if reason := _unfit(next(cell.parameters(), x)):
        return reason
    reason = uneven(cell, x)
    return None if reason is None else _none(cell, reason)


@cache
def missing(device: torch.device) -> str | None:
    """Return None where kernels can run on a device, or why they cannot."""
    if find_spec("triton") is None:
        return "Triton is not installed; on Linux, torch for cuda brings it"
    if device.type == "cuda" and torch.cuda.get_device_capability(device) < LEAST:
        name = torch.cuda.get_device_name(device)
        return f"Triton kernels need compute capability 8.0 or more; {name} has less"
    return None


def interpreted() -> bool:
    """Return whether Triton's interpreter is on, which runs kernels on the CPU, slowly."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def _fused(cell: Cell[Any]) -> Fused:
    """Return the kernels of exactly this class: one derived from it may differ anywhere."""
    module = import_module(f"{__name__}.{KERNELS[type(cell)]}")
    fused: Fused = module.fused(cell)
    return fused


def _none(cell: Cell[Any], reason: str) -> str:
    return f"there is no Triton kernel for {type(cell).__name__}: {reason}"


def _unfit(tensor: Tensor) -> str | None:
    place = tensor.device.type
    if place != "cuda" and not (place == "cpu" and interpreted()):
        return f"Triton kernels run on cuda; the input or a weight is on {place}"
    if tensor.dtype not in DTYPES:
        return f"Triton kernels take float32 and 16 bits; the input or a weight is {tensor.dtype}"
    return None


TRITON = Engine("triton", run, refuse, by_memory=True)
