"""Our own kernels in C++ for the CPU."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra import inputs, tree
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
from recurra.engines.fused import Fused
from recurra.engines.native.gated import MINGRU_KERNELS, MINLSTM_KERNELS
from recurra.engines.native.indrnn import indrnn_kernels
from recurra.engines.native.library import FORMATS, missing
from recurra.engines.native.lru import LRU_KERNELS
from recurra.engines.native.mlstm import MLSTM_KERNELS
from recurra.engines.native.precision import run_lines
from recurra.engines.native.recurrent import (
    ELMAN_KERNELS,
    GRU_KERNELS,
    LSTM_KERNELS,
    SLSTM_KERNELS,
)
from recurra.engines.native.rglru import RGLRU_KERNELS
from recurra.engines.native.rows import Rows
from recurra.engines.native.scan import SCANS
from recurra.engines.shapes import misfit
from recurra.engines.transition import scan_transition, uneven, unlike
from recurra.errors import EngineRefused
from recurra.inputs import impure, transformed

KERNELS: dict[type[Cell[Any]], Fused] = {
    GRU: GRU_KERNELS,
    LSTM: LSTM_KERNELS,
    LRU: LRU_KERNELS,
    MinGRU: MINGRU_KERNELS,
    MLSTM: MLSTM_KERNELS,
    MinLSTM: MINLSTM_KERNELS,
    RGLRU: RGLRU_KERNELS,
}


def _fused(cell: Cell[Any]) -> Fused | None:
    """Return the kernels of exactly this class: one derived from it may differ anywhere."""
    if type(cell) is Elman:
        return ELMAN_KERNELS[cell.nonlinearity]
    if type(cell) is SLSTM:
        return SLSTM_KERNELS[cell.forget]
    if type(cell) is IndRNN:
        return indrnn_kernels(cell.max_abs)
    return KERNELS.get(type(cell))


def run(
    cell: Cell[Any], x: Float[Tensor, "batch time input"], state: Any, lengths: Lengths
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Unroll by the native library; what lies beyond lengths is not computed at all."""
    inputs.state(cell, state, x.shape[0], inputs.weight(cell))  # its memory is read
    rows = Rows.of(len(x), x.shape[1], lengths)
    fused = _fused(cell)
    if fused is not None:
        y, last = run_lines(fused, cell, rows, rows.pack(lift(x)), state)
        return rows.unpack(y).to(state[0].dtype), last
    assert isinstance(cell, LinearCell)
    u = cell.project(rows.pack(x))
    transition = tree.map(lift, cell.transition(lift(u)))
    if reason := unlike(cell, transition, len(u)):  # it may have changed since it was asked
        raise EngineRefused(_none(cell, reason))
    found = scan_transition(SCANS, rows, transition, tuple(map(lift, state)))
    h, last = (
        type(state)(*(new.to(old.dtype) for new, old in zip(leaves, state, strict=True)))
        for leaves in found
    )
    return rows.unpack(cell.read(u, h)), last


def turns(cell: Cell[Any]) -> bool:
    """Return whether the cell's kernels read backward what lies forward: `run_both` takes it."""
    return type(cell) in (Elman, GRU, LSTM, SLSTM)


def run_both(
    ahead: Cell[Any],
    back: Cell[Any],
    x: Float[Tensor, "batch time input"],
    states: tuple[Any, Any],
    lengths: Lengths,
) -> tuple[Float[Tensor, "batch time output"], Any, Any]:
    """Unroll one cell from the start and one from the end, both of which `turns` takes."""
    rows = Rows.of(len(x), x.shape[1], lengths)
    lines, outputs, last = rows.pack(lift(x)), [], []
    for cell, state, way in ((ahead, states[0], rows), (back, states[1], rows.backward())):
        fused = _fused(cell)
        assert fused is not None
        y, state = run_lines(fused, cell, way, lines, state)
        outputs.append(y)
        last.append(state)
    y = rows.unpack(torch.cat(outputs, dim=1)).to(states[0][0].dtype)
    return y, last[0], last[1]


def refuse(cell: Cell[Any], x: Tensor) -> str | None:
    """Refuse cells without kernels, an `Affine` or a `Rotation`, and numbers of other types."""
    kind = type(cell).__name__
    fused = _fused(cell)
    if fused is None and not isinstance(cell, LinearCell):
        return f"there is no native kernel for {kind}"
    if traced():
        return "native kernels read memory, and a traced graph has none"
    if transformed():
        return "native kernels have no rules for vmap and derivatives of torch.func"
    reason = missing() or _unfit(x) or impure(x)
    if reason is not None:
        return reason
    if torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") != torch.bfloat16:
        return "native kernels have no float16; use autocast to bfloat16"
    if fused is not None:
        return misfit(cell, _unfit)
    assert isinstance(cell, LinearCell)
    if reason := _unfit(next(cell.parameters(), x)):
        return reason
    reason = uneven(cell, x)
    return None if reason is None else _none(cell, reason)


def _none(cell: Cell[Any], reason: str) -> str:
    return f"there is no native kernel for {type(cell).__name__}: {reason}"


def _unfit(tensor: Tensor) -> str | None:
    if tensor.device.type != "cpu":
        return f"native kernels run on cpu; the input or a weight is on {tensor.device.type}"
    if tensor.dtype not in FORMATS:
        return f"native kernels take float32 and bfloat16; the input or a weight is {tensor.dtype}"
    return None


NATIVE = Engine("native", run, refuse, packs=True, by_memory=True)
