"""HOW a cell is unrolled: `unroll` with the fastest engine that takes the cell, or a named one."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.cells.lstm import LSTM
from recurra.engines.base import Engine, Lengths
from recurra.engines.loop import LOOP
from recurra.engines.native import NATIVE
from recurra.engines.scan import SCAN
from recurra.engines.vendor import VENDOR
from recurra.errors import EngineRefused, unknown

PREFERENCE: tuple[Engine, ...] = (NATIVE, SCAN, VENDOR, LOOP)

SHORT = 3  # steps up to which `loop` starts sooner than the others are done

__all__ = ["PREFERENCE", "Engine", "choose", "survey", "unroll"]


def choose(cell: Cell[Any], x: Tensor, name: str | None = None) -> Engine:
    """Return the engine for this cell and input, or the one named.

    Without a name, the first line that applies:

        up to 3 steps                                            loop
        float32 on the CPU, where the native library is built:
            exactly LSTM, where no gradient is wanted            vendor
            exactly LSTM, GRU, Elman                             native
            LinearCell with an Affine transition: MinGRU,        native
                MinLSTM, RGLRU, your own
        any other LinearCell: LRU, MLSTM, your own               scan
        exactly LSTM, GRU, Elman                                 vendor
        any other                                                loop

    Measured (LOG.md, 2026-11-22), forward and backward of 32 rows, 256 wide: native takes of
    vendor's time 0.87 for LSTM, 0.47 for GRU, 0.55 for Elman, and 0.50 of scan's for MinGRU.
    Without gradients vendor's LSTM takes 0.88 of native's time, in a batch.

    With a name, that engine or an error: never another one silently.

    Raises:
        EngineRefused: the engine asked for by name cannot run this cell here.
        RecurraError: there is no engine of this name.
    """
    if name is None:
        if x.shape[1] <= SHORT:
            return LOOP
        order = PREFERENCE
        if type(cell) is LSTM and not torch.is_grad_enabled():
            order = (VENDOR, *PREFERENCE)
        return next(engine for engine in order if engine.refuse(cell, x) is None)
    engine = next((engine for engine in PREFERENCE if engine.name == name), None)
    if engine is None:
        raise unknown("engine", name, [engine.name for engine in PREFERENCE])
    reason = engine.refuse(cell, x)
    if reason is not None:
        raise EngineRefused(f"engine {name} cannot run {type(cell).__name__}: {reason}")
    return engine


def survey() -> list[tuple[str, dict[str, str | None], str]]:
    """Return, for each of `CELLS`: its name, each engine's reason against it, the engine chosen."""
    rows = []
    for kind in CELLS:
        cell, x = kind(4, 4), torch.zeros(1, SHORT + 1, 4)
        reasons = {engine.name: engine.refuse(cell, x) for engine in PREFERENCE}
        rows.append((kind.__name__, reasons, choose(cell, x).name))
    return rows


def unroll(
    cell: Cell[Any],
    x: Float[Tensor, "batch time input"],
    state: Any = None,
    *,
    lengths: Lengths = None,
    engine: str | None = None,
) -> tuple[Float[Tensor, "batch time output"], Any]:
    """Run a cell over a sequence.

    Args:
        cell: the recurrence.
        x: inputs; what lies beyond a row's length changes nothing, not even as NaN.
        state: where to go on from; None starts from `cell.initial_state`.
        lengths: valid steps of each row, 0 allowed, cut at the time of x; None: all.
        engine: the engine's name; None chooses. A named engine runs or is refused, and is
            never replaced.
    Returns:
        Outputs (zero beyond lengths), and the state after each row's last step.
    """
    if x.dim() != 3 or x.shape[2] != cell.input_size:
        raise ValueError(
            f"{type(cell).__name__} takes [batch time {cell.input_size}]; got {list(x.shape)}"
        )
    if state is None:
        state = cell.initial_state(len(x))
    if lengths is not None:
        lengths = lengths.to(x.device).clamp(max=x.shape[1])
        beyond = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
        x = x.masked_fill(beyond[..., None], 0)
    return choose(cell, x, engine).run(cell, x, state, lengths)
