"""HOW a cell is unrolled: `unroll` with the fastest engine that takes the cell, or a named one."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from recurra.cells import CELLS
from recurra.cells.base import Cell
from recurra.engines.base import Engine, Lengths, traced
from recurra.engines.loop import LOOP
from recurra.engines.native import NATIVE
from recurra.engines.scan import SCAN
from recurra.engines.table import Shape, Table, in_force, user_file, write
from recurra.engines.vendor import VENDOR
from recurra.errors import EngineRefused, unknown

PREFERENCE: tuple[Engine, ...] = (NATIVE, SCAN, VENDOR, LOOP)
_BY_NAME = {engine.name: engine for engine in PREFERENCE}

SHORT = 3  # steps up to which `loop` starts sooner than the others are done

__all__ = ["PREFERENCE", "Engine", "adopt", "choose", "order", "reread", "survey", "unroll"]


def choose(cell: Cell[Any], x: Tensor, name: str | None = None, *, ragged: bool = False) -> Engine:
    """Return the engine for this cell and input, or the one named.

    Without a name, the first that takes cell and input, of these:

        full float32 rows on the CPU, a cell of the package     the fastest, where it was measured
        up to 3 steps                                           loop
        float32 on the CPU, where the native library is built   native, for all that it has kernels
        any LinearCell                                          scan
        exactly LSTM, GRU, Elman                                vendor
        any                                                     loop

    The first line is the table of measurements (`recurra engines` says whose): it holds the cells,
    shapes and modes (with or without gradients) at which another engine than the rest of this list
    says is faster by 5 % or more; the nearest shape counts. Rows of unequal lengths are no part of
    it: native computes nothing beyond them, and the others do.

    With a name, that engine or an error: never another one silently.

    Args:
        cell: the recurrence.
        x: inputs, batch first; its shape, type and place count.
        name: the engine asked for.
        ragged: whether rows have lengths of their own.
    Raises:
        EngineRefused: the engine asked for by name cannot run this cell here.
        RecurraError: there is no engine of this name.
    """
    if name is None:
        engines = order(x.shape[1])
        if not ragged and x.is_cpu and x.dtype == torch.float32 and not traced():
            mode = "train" if torch.is_grad_enabled() else "forward"
            sizes = x.shape[0], x.shape[1], cell.hidden_size
            engines = _measured(type(cell), mode, sizes, torch.get_num_threads())
        return next(engine for engine in engines if engine.refuse(cell, x) is None)
    engine = _BY_NAME.get(name)
    if engine is None:
        raise unknown("engine", name, list(_BY_NAME))
    reason = engine.refuse(cell, x)
    if reason is not None:
        raise EngineRefused(f"engine {name} cannot run {type(cell).__name__}: {reason}")
    return engine


def order(time: int) -> tuple[Engine, ...]:
    """Return the engines in the order of preference, where nothing was measured."""
    return (LOOP, *PREFERENCE) if time <= SHORT else PREFERENCE


@lru_cache(maxsize=4096)
def _measured(kind: type[Cell[Any]], mode: str, sizes: Shape, threads: int) -> tuple[Engine, ...]:
    """Return the engines in the order of preference, before them the fastest at these sizes."""
    engines = order(sizes[1])
    if kind not in CELLS:  # a class of the user's may have the name of one of them
        return engines
    fastest = in_force(threads).table.engine(kind.__name__, mode, sizes)
    return (_BY_NAME[fastest], *engines) if fastest in _BY_NAME else engines


def adopt(table: Table) -> Path:
    """Store a table as the user's own, and choose by it from now on; return its file.

    Raises:
        OSError: the disk refuses.
    """
    write(user_file(), table)
    reread()
    return user_file()


def reread() -> None:
    """Read the table of measurements again when it is next asked for."""
    in_force.cache_clear()
    _measured.cache_clear()


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
    chosen = choose(cell, x, engine, ragged=lengths is not None)
    if lengths is not None:
        lengths = lengths.to(x.device).clamp(max=x.shape[1])
        if not chosen.packs:
            beyond = torch.arange(x.shape[1], device=x.device) >= lengths[:, None]
            x = x.masked_fill(beyond[..., None], 0)
    return chosen.run(cell, x, state, lengths)
